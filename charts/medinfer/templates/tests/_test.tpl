{{/* helm test creates these objects and deletes those that succeeded; failed ones stay for inspection. Called with the weight. */}}
{{- define "medinfer.testAnnotations" -}}
helm.sh/hook: test
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
helm.sh/hook-output-log-policy: hook-succeeded,hook-failed
{{- end }}
