{{/*
Labels. selectorLabels are used in selectors, which cannot be changed, and in pod templates. Neither contains the chart's
version, so that an upgrade does not restart pods only because the version changed. Called with (list . "component").
*/}}

{{- define "medinfer.selectorLabels" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: medinfer
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "medinfer.podLabels" -}}
{{ include "medinfer.selectorLabels" . }}
app.kubernetes.io/part-of: medinfer
{{- end }}

{{- define "medinfer.labels" -}}
{{- $root := index . 0 -}}
{{ include "medinfer.podLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}
