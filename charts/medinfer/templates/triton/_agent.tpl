{{/*
A native sidecar: it starts before Triton, whose model repository it creates, and ends after it. Sets the variables of
docs/contracts.md that differ from their defaults.
*/}}
{{- define "medinfer.agentContainer" -}}
{{- $agent := .Values.triton.agent -}}
- name: agent
  image: {{ include "medinfer.image" (list . "medinfer-operator" .Values.operator.image) }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  restartPolicy: Always
  command: [python, -m, replica_agent]
  env: {{- include "medinfer.environment" (list (include "medinfer.agentEnvironment" .) "triton.agent.extraEnv" $agent.extraEnv) | nindent 4 }}
  {{- with $agent.environmentSecretName }}
  envFrom:
    - secretRef: {name: {{ . }}}
  {{- end }}
  ports:
    - {name: agent, containerPort: 8080}
  startupProbe:
    httpGet: {path: /health, port: agent}
    periodSeconds: 1
    timeoutSeconds: 2
    failureThreshold: 60
  livenessProbe:
    httpGet: {path: /health, port: agent}
    periodSeconds: 20
    timeoutSeconds: 5
  resources: {{- toYaml $agent.resources | nindent 4 }}
  {{- include "medinfer.containerSecurity" . | nindent 2 }}
  volumeMounts:
    - {name: plan, mountPath: /etc/medinfer, readOnly: true}
    - {name: data, mountPath: /var/lib/medinfer}
    {{- include "medinfer.caMount" . | nindent 4 }}
    {{- if $agent.pullSecretName }}
    - {name: pull-secret, mountPath: /etc/medinfer-pull, readOnly: true}
    {{- end }}
    {{- if ne (include "medinfer.verification" .) "off" }}
    - {name: signers, mountPath: /etc/medinfer-signers, readOnly: true}
    {{- end }}
    {{- include "medinfer.tokenMount" . | nindent 4 }}
{{- end }}

{{/* YAML reads an off without quotes as false. */}}
{{- define "medinfer.verification" -}}{{ .Values.triton.agent.verification | default "off" }}{{- end }}

{{/* Where bundles may come from: the setting, and the chart's own demonstration bundles, which speak plain HTTP. */}}
{{- define "medinfer.allowedPrefixes" -}}
{{- $prefixes := .Values.triton.agent.allowedPrefixes -}}
{{- if .Values.bundles.enabled }}{{ $prefixes = append $prefixes (printf "http://%s:8080/" (include "medinfer.bundles" .)) }}{{ end -}}
{{- join " " $prefixes }}
{{- end }}

{{- define "medinfer.agentEnvironment" -}}
{{- $agent := .Values.triton.agent -}}
- name: MEDINFER_AGENT_REPLICA
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- name: MEDINFER_AGENT_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- {name: MEDINFER_AGENT_PLAN_FILE, value: /etc/medinfer/plan.json}
- {name: MEDINFER_AGENT_PLAN_CONFIGMAP, value: {{ include "medinfer.plan" . }}}
- {name: MEDINFER_AGENT_DATA_DIR, value: /var/lib/medinfer}
- {name: MEDINFER_AGENT_INSTANCE_KIND, value: {{ .Values.triton.gpu.enabled | ternary "KIND_GPU" "KIND_CPU" }}}
- {name: MEDINFER_AGENT_ALLOWED_PREFIXES, value: {{ include "medinfer.allowedPrefixes" . | quote }}}
- {name: MEDINFER_AGENT_FETCH_SECONDS, value: {{ $agent.fetchSeconds | int64 | quote }}}
- {name: MEDINFER_AGENT_MIN_FREE_DISK_BYTES, value: {{ $agent.minFreeDiskBytes | int64 | quote }}}
{{- if .Values.caConfigMapName }}
- {name: MEDINFER_AGENT_CA_FILE, value: /etc/medinfer-ca/ca.crt}
{{- end }}
{{- if $agent.pullSecretName }}
- {name: MEDINFER_AGENT_PULL_SECRET_FILE, value: /etc/medinfer-pull/config.json}
{{- end }}
{{- if ne (include "medinfer.verification" .) "off" }}
- {name: MEDINFER_AGENT_VERIFICATION, value: {{ $agent.verification }}}
- {name: MEDINFER_AGENT_SIGNERS_FILE, value: /etc/medinfer-signers/signers.yaml}
{{- end }}
{{- with $agent.memoryLimitBytes }}
- {name: MEDINFER_AGENT_MEMORY_LIMIT_BYTES, value: {{ . | int64 | quote }}}
{{- end }}
{{- with $agent.operatorDomains }}
- {name: MEDINFER_AGENT_OPERATOR_DOMAINS, value: {{ join "," . | quote }}}
{{- end }}
{{- if .Values.tracing.enabled }}
- {name: MEDINFER_AGENT_TRACING_ENDPOINT, value: {{ include "medinfer.collector" . }}}
{{- end }}
{{- if ne .Values.bindAddress "0.0.0.0" }}
- {name: MEDINFER_AGENT_ADDRESS, value: {{ .Values.bindAddress | quote }}}
- {name: MEDINFER_AGENT_TRITON_ADDRESS, value: {{ include "medinfer.tritonLoopback" . | quote }}}
{{- end }}
{{- end }}
