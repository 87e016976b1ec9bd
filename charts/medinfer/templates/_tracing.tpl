{{/* Where traces go, without a slash at the end. */}}
{{- define "medinfer.collector" -}}
{{- $endpoint := .Values.tracing.endpoint -}}
{{- if not $endpoint -}}
{{- fail "tracing.enabled needs tracing.endpoint: set it to where the collector takes OTLP over HTTP, for example http://collector.monitoring:4318" -}}
{{- end -}}
{{- trimSuffix "/" $endpoint -}}
{{- end }}

{{/*
Triton sends spans of the requests that have a traceparent, which are those that the API traces, and of no others. Before
25.05 it frees a lock that it holds (server#8144): after tens of thousands of traced requests its memory is corrupt.
*/}}
{{- define "medinfer.tritonTraces" -}}
{{- if and .Values.tracing.enabled .Values.tracing.triton -}}
{{- $release := regexFind ":[0-9][0-9][.][0-9][0-9]" (include "medinfer.image" (list . "medinfer-triton-cpu" .Values.triton.image)) | trimPrefix ":" | default "0" | float64 -}}
{{- if lt $release 25.05 -}}
{{- fail "tracing.triton needs a triton.image with a tag of 25.05 or later: before, any traced request may end Triton. Set tracing.triton to false, which leaves the API's spans" -}}
{{- end -}}
- --trace-config=mode=opentelemetry
- --trace-config=rate=0
- --trace-config=level=TIMESTAMPS
- --trace-config=opentelemetry,url={{ include "medinfer.collector" . }}/v1/traces
- --trace-config=opentelemetry,resource=service.name=triton
{{- end -}}
{{- end }}

{{/* Egress to the collector. */}}
{{- define "medinfer.egressToCollector" -}}
{{- $endpoint := .Values.tracing.endpoint -}}
{{- $port := ternary "443" "80" (hasPrefix "https:" $endpoint) -}}
# The collector of traces.
- ports: [{protocol: TCP, port: {{ regexFind ":[0-9]+(/|$)" $endpoint | trimAll ":/" | default $port }}}]
  {{- with .Values.networkPolicy.collectorPeers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
