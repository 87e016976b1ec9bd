{{/* The names of all objects. A Service's name has no dot and begins with a letter; a release's may be otherwise. */}}

{{- define "medinfer.fullname" -}}
{{- $release := .Release.Name | replace "." "-" -}}
{{- $name := contains "medinfer" $release | ternary $release (printf "%s-medinfer" $release) -}}
{{- if regexMatch "^[0-9]" $name }}{{ $name = printf "medinfer-%s" $release }}{{ end -}}
{{- if gt (len $name) 40 -}}
{{- fail (printf "release name %s is too long: %s may have 40 characters, because suffixes are added and Kubernetes allows 63; choose a shorter release name" .Release.Name $name) -}}
{{- end -}}
{{ $name }}
{{- end }}

{{- define "medinfer.api" -}}{{ include "medinfer.fullname" . }}-api{{- end }}
{{- define "medinfer.routes" -}}{{ include "medinfer.api" . }}-routes{{- end }}
{{- define "medinfer.triton" -}}{{ include "medinfer.fullname" . }}-triton{{- end }}
{{- define "medinfer.replicas" -}}{{ include "medinfer.triton" . }}-replicas{{- end }}
{{- define "medinfer.plan" -}}{{ include "medinfer.triton" . }}-plan{{- end }}
{{- define "medinfer.agent" -}}{{ include "medinfer.fullname" . }}-agent{{- end }}
{{- define "medinfer.operator" -}}{{ include "medinfer.fullname" . }}-rollout-operator{{- end }}
{{- define "medinfer.bundles" -}}{{ include "medinfer.fullname" . }}-bundles{{- end }}
{{- define "medinfer.test" -}}{{ include "medinfer.fullname" . }}-test{{- end }}
