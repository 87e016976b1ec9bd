{{/* Peers and ports that several policies use. */}}

{{/* Called with (list . "component"). */}}
{{- define "medinfer.peer" -}}
- podSelector:
    matchLabels: {{- include "medinfer.selectorLabels" . | nindent 6 }}
{{- end }}

{{/* Ports of pods, and those by which a mesh carries what is sent to them. Called with (list . 8000 8080). */}}
{{- define "medinfer.podPorts" -}}
{{- include "medinfer.tcpPorts" (concat (rest .) (index . 0).Values.networkPolicy.meshPorts) -}}
{{- end }}

{{- define "medinfer.tcpPorts" -}}
{{- range . }}
- {protocol: TCP, port: {{ . }}}
{{- end }}
{{- end }}

{{- define "medinfer.egressToDns" -}}
{{- with .Values.networkPolicy }}
- ports:
    {{- range .dnsPorts }}
    - {protocol: UDP, port: {{ . }}}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .dnsPeers }}
  to: {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Address ranges as peers. Called with (list . "::/0") or (list . (list "0.0.0.0/0" "::/0")). */}}
{{- define "medinfer.blocks" -}}
{{- $ranges := kindIs "slice" (index . 1) | ternary (index . 1) (list (index . 1)) -}}
{{- range $ranges }}
{{ include "medinfer.block" (list (index $ 0) .) }}
{{- end }}
{{- end }}

{{/* An address range as a peer; without link-local addresses if it holds all. Called with (list . "0.0.0.0/0"). */}}
{{- define "medinfer.block" -}}
{{- $excepted := list -}}
{{- if hasSuffix "/0" (index . 1) -}}
{{- range (index . 0).Values.networkPolicy.egressExcept -}}
{{- if eq (contains ":" .) (contains ":" (index $ 1)) }}{{ $excepted = append $excepted . }}{{ end -}}
{{- end -}}
{{- end -}}
- ipBlock:
    cidr: {{ index . 1 | quote }}
    {{- with $excepted }}
    except: {{- toYaml . | nindent 6 }}
    {{- end }}
{{- end }}

{{- define "medinfer.egressToApiServer" -}}
- to: {{- include "medinfer.blocks" (list . (.Values.networkPolicy.apiServerCidr | default (list "0.0.0.0/0" "::/0"))) | trim | nindent 4 }}
  ports: {{- include "medinfer.tcpPorts" .Values.networkPolicy.apiServerPorts | trim | nindent 4 }}
{{- end }}

{{/* Where the cluster says that its API server is, as JSON: of the Service its addresses, and of the EndpointSlice those
     behind it. Empty if helm does not ask the cluster, as helm template. */}}
{{- define "medinfer.apiServerAddresses" -}}
{{- $addresses := list -}}
{{- $service := lookup "v1" "Service" "default" "kubernetes" -}}
{{- $slice := lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "kubernetes" -}}
{{- with $service }}{{ $addresses = concat $addresses (.spec.clusterIPs | default list) }}{{ end -}}
{{- with $slice }}{{ range .endpoints }}{{ $addresses = concat $addresses .addresses }}{{ end }}{{ end -}}
{{- if and $service $slice }}{{ $addresses | uniq | toJson }}{{ else }}[]{{ end -}}
{{- end }}

{{/* For API pods, which decode what strangers send: only where the API server is, if that is known. */}}
{{- define "medinfer.egressOfApiToApiServer" -}}
{{- $addresses := list -}}
{{- if not .Values.networkPolicy.apiServerCidr }}{{ $addresses = include "medinfer.apiServerAddresses" . | fromJsonArray }}{{ end -}}
{{- if $addresses -}}
- to:
    {{- range $addresses }}
    - ipBlock: {cidr: "{{ . }}/{{ contains ":" . | ternary 128 32 }}"}
    {{- end }}
  ports: {{- include "medinfer.tcpPorts" .Values.networkPolicy.apiServerPorts | trim | nindent 4 }}
{{- else -}}
{{- include "medinfer.egressToApiServer" . -}}
{{- end -}}
{{- end }}

{{/* To bundle stores and webhooks. */}}
{{- define "medinfer.egressOutside" -}}
- to: {{- include "medinfer.blocks" (list . .Values.networkPolicy.egressCidr) | trim | nindent 4 }}
  ports: {{- include "medinfer.tcpPorts" .Values.networkPolicy.egressPorts | trim | nindent 4 }}
{{- end }}

{{/* Called with (list . 8080 8002). */}}
{{- define "medinfer.ingressOfMetrics" -}}
{{- with (index . 0).Values.networkPolicy.metricsClients }}
- from: {{- toYaml . | nindent 4 }}
  ports: {{- include "medinfer.podPorts" $ | trim | nindent 4 }}
{{- end }}
{{- end }}
