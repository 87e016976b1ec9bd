{{/*
Labels. selectorLabels are used in selectors, which cannot be changed, and in pod templates. Neither contains the chart's
version, so that an upgrade does not restart pods only because the version changed. Called with (list . "component").
*/}}

{{/* A label value: at most 63 letters, digits, `_`, `.` and `-`, which begins and ends with a letter or a digit. Flux gives a
     chart from git a version with a plus. Called with the text. */}}
{{- define "medinfer.labelValue" -}}
{{- regexReplaceAll "[^A-Za-z0-9_.-]" . "_" | trunc 63 | trimAll "_.-" | quote -}}
{{- end }}

{{- define "medinfer.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: medinfer
app.kubernetes.io/instance: {{ include "medinfer.labelValue" $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "medinfer.podLabels" -}}
{{ include "medinfer.selectorLabels" . }}
app.kubernetes.io/part-of: medinfer
{{- end }}

{{- define "medinfer.labels" -}}
{{- $root := index . 0 -}}
{{ include "medinfer.podLabels" . }}
app.kubernetes.io/version: {{ include "medinfer.labelValue" $root.Chart.AppVersion }}
app.kubernetes.io/managed-by: {{ include "medinfer.labelValue" $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | include "medinfer.labelValue" }}
{{- end }}
