{{/* Peers and ports that several policies use. */}}

{{/* Called with (list . "component"). */}}
{{- define "medinfer.peer" -}}
- podSelector:
    matchLabels: {{- include "medinfer.selectorLabels" . | nindent 6 }}
{{- end }}

{{/* To any address: a DNS cache on the node is not a pod. */}}
{{- define "medinfer.egressToDns" -}}
- ports: [{protocol: UDP, port: 53}, {protocol: TCP, port: 53}]
{{- end }}

{{- define "medinfer.egressToApiServer" -}}
- to: [{ipBlock: {cidr: {{ .Values.networkPolicy.apiServerCidr }}}}]
  ports:
    {{- range .Values.networkPolicy.apiServerPorts }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* To bundle stores and webhooks. */}}
{{- define "medinfer.egressOutside" -}}
- to: [{ipBlock: {cidr: {{ .Values.networkPolicy.egressCidr }}}}]
  ports:
    {{- range .Values.networkPolicy.egressPorts }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}

{{/* Called with (list . 8080 8002). */}}
{{- define "medinfer.ingressOfMetrics" -}}
{{- with (index . 0).Values.networkPolicy.metricsClients }}
- from: {{- toYaml . | nindent 4 }}
  ports:
    {{- range rest $ }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end }}
{{- end }}
