{{/* Warnings in NOTES.txt about values that are allowed but risky. */}}
{{- define "medinfer.warnings" -}}
{{- $fewest := .Values.triton.autoscaling.enabled | ternary "autoscaling.minReplicas" "replicaCount" }}
{{- if eq (.Values.triton.autoscaling.enabled | ternary .Values.triton.autoscaling.minReplicas .Values.triton.replicaCount | int) 1 }}
- triton.{{ $fewest }} is 1: requests fail while that replica restarts. Set 2 or more.
{{- end }}
{{- if eq (.Values.api.autoscaling.enabled | ternary .Values.api.autoscaling.minReplicas .Values.api.replicaCount | int) 1 }}
- The API has one pod: requests fail while it restarts. Set {{ .Values.api.autoscaling.enabled | ternary "api.autoscaling.minReplicas" "api.replicaCount" }} to 2 or more.
{{- end }}
{{- if not .Values.api.auth.secretName }}
- api.auth.secretName is empty: everybody who reaches the API may ask it. Before patients, make keys with modelctl keys.
{{- end }}
{{- if not .Values.operator.approvers.configMapName }}
- operator.approvers.configMapName is empty: approvals of gates are unverified, as whoever may edit the ModelRollout opens a gate under any name. Before patients, list approvers with their keys.
{{- end }}
{{- if not .Values.admission.enabled }}
- admission.enabled is false: whoever may write ConfigMaps here may send images elsewhere, whoever may write the status of a ModelRollout may pass its gates, and whoever may release may approve. Let somebody who may create ValidatingAdmissionPolicies install.
{{- end }}
{{- if eq (include "medinfer.verification" .) "off" }}
- triton.agent.verification is off: agents load any bundle of an allowed store that a ModelRollout names, whoever made it. Before patients, have bundles signed with modelctl sign and list the signers.
{{- end }}
{{- if contains "medinfer-triton-cpu" (include "medinfer.image" (list . "medinfer-triton-cpu" .Values.triton.image)) }}
- triton.image is the build for CPUs, Triton 24.10: for trying medinfer, not for patients. It lacks what NVIDIA's security bulletins ask for (26.07), and a traced request may corrupt its heap, after which it hangs. Before patients, set triton.image to NVIDIA's.
{{- end }}
{{- if not .Values.networkPolicy.enabled }}
- networkPolicy.enabled is false: every pod in the cluster can reach Triton and download bundles.
{{- end }}
{{- with .Values.networkPolicy }}
{{- if and .enabled (not .apiServerCidr) $.Values.api.watchRoutes (eq (include "medinfer.apiServerAddresses" $) "[]") }}
- networkPolicy.apiServerCidr is empty and helm could not ask the cluster where its API server is: API pods, which decode what clients send, may connect to any address on the ports {{ join ", " .apiServerPorts }}. Set it to the address range of the API server.
{{- end }}
{{- end }}
{{- if .Values.rollout.enabled }}
{{- $allowed := false -}}
{{- range splitList " " (include "medinfer.allowedPrefixes" .) }}{{ if hasPrefix . $.Values.rollout.artifact.uri }}{{ $allowed = true }}{{ end }}{{ end -}}
{{- if not $allowed }}
- rollout.artifact.uri is under none of triton.agent.allowedPrefixes: the agents refuse to download it. Add its address there; plain HTTP and files have to be named.
{{- end }}
{{- end }}
{{- if and .Values.rollout.enabled .Values.networkPolicy.enabled }}
{{- include "medinfer.closedPort" (list . "rollout.artifact.uri" .Values.rollout.artifact.uri) }}
{{- include "medinfer.closedPort" (list . "rollout.notify.url" .Values.rollout.notify.url) }}
{{- end }}
{{- if .Values.bundles.enabled }}
- bundles.enabled is true: the demonstration models are not for clinical use.
{{- end }}
{{- end }}

{{/* Warns of an address whose port no policy opens; the chart's own bundles have a rule. Called with (list . "name of the value" "address"). */}}
{{- define "medinfer.closedPort" -}}
{{- $root := index . 0 -}}
{{- $host := (urlParse (index . 2)).host -}}
{{- $port := regexFind ":[0-9]+$" $host | trimPrefix ":" -}}
{{- $isOurs := and $root.Values.bundles.enabled (hasPrefix (include "medinfer.bundles" $root) $host) -}}
{{- if and $port (not $isOurs) (not (has $port (toStrings $root.Values.networkPolicy.egressPorts))) }}
- {{ index . 1 }} uses port {{ $port }}, which the NetworkPolicies block. Add it to networkPolicy.egressPorts.
{{- end }}
{{- end }}

{{/* Names a value of every part that has pods: triton.tolerations, api.tolerations, ... Called with (list . "tolerations"). */}}
{{- define "medinfer.ofEachPart" -}}
{{- $parts := list "triton" "api" "operator" -}}
{{- if (index . 0).Values.bundles.enabled }}{{ $parts = append $parts "bundles" }}{{ end -}}
{{- range $number, $part := $parts }}{{ if $number }}, {{ end }}{{ $part }}.{{ index $ 1 }}{{ end -}}
{{- end }}
