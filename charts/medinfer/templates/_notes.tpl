{{/* Warnings of NOTES.txt: what is allowed, and unwise. */}}
{{- define "medinfer.warnings" -}}
{{- if eq (int .Values.triton.replicaCount) 1 }}
- triton.replicaCount is 1: while that replica restarts, nobody answers.
{{- end }}
{{- if eq (.Values.api.autoscaling.enabled | ternary .Values.api.autoscaling.minReplicas .Values.api.replicaCount | int) 1 }}
- The API has one pod at rest: while it restarts, nobody answers.
{{- end }}
{{- if not .Values.networkPolicy.enabled }}
- networkPolicy.enabled is false: every pod of the cluster may ask Triton and read the bundles.
{{- end }}
{{- if .Values.bundles.enabled }}
- bundles.enabled is true: its models are for demonstration, not for clinical use.
{{- end }}
{{- end }}

{{/* A value that each part with pods has, by its names: called with (list . "tolerations"). */}}
{{- define "medinfer.ofEachPart" -}}
{{- $parts := list "triton" "api" "operator" -}}
{{- if (index . 0).Values.bundles.enabled }}{{ $parts = append $parts "bundles" }}{{ end -}}
{{- range $number, $part := $parts }}{{ if $number }}, {{ end }}{{ $part }}.{{ index $ 1 }}{{ end -}}
{{- end }}
