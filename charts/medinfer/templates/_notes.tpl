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
{{- if and .Values.rollout.enabled .Values.networkPolicy.enabled }}
{{- include "medinfer.closedPort" (list . "rollout.artifact.uri" .Values.rollout.artifact.uri) }}
{{- include "medinfer.closedPort" (list . "rollout.notify.url" .Values.rollout.notify.url) }}
{{- end }}
{{- if .Values.bundles.enabled }}
- bundles.enabled is true: its models are for demonstration, not for clinical use.
{{- end }}
{{- end }}

{{/* An address whose port the policies keep shut; bundles have a rule of their own. Called with (list . "its value" "address"). */}}
{{- define "medinfer.closedPort" -}}
{{- $root := index . 0 -}}
{{- $host := (urlParse (index . 2)).host -}}
{{- $port := regexFind ":[0-9]+$" $host | trimPrefix ":" -}}
{{- $isOurs := and $root.Values.bundles.enabled (hasPrefix (include "medinfer.bundles" $root) $host) -}}
{{- if and $port (not $isOurs) (not (has $port (toStrings $root.Values.networkPolicy.egressPorts))) }}
- {{ index . 1 }} asks port {{ $port }}, which networkPolicy.egressPorts does not name: nothing gets there.
{{- end }}
{{- end }}

{{/* A value that each part with pods has, by its names: called with (list . "tolerations"). */}}
{{- define "medinfer.ofEachPart" -}}
{{- $parts := list "triton" "api" "operator" -}}
{{- if (index . 0).Values.bundles.enabled }}{{ $parts = append $parts "bundles" }}{{ end -}}
{{- range $number, $part := $parts }}{{ if $number }}, {{ end }}{{ $part }}.{{ index $ 1 }}{{ end -}}
{{- end }}
