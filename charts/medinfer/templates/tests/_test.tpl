{{/* helm test makes these, and takes away what succeeded; what failed stays to be looked at. Called with its weight. */}}
{{- define "medinfer.testAnnotations" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
{{- end }}
