{{/* The variables of docs/contracts.md that differ from their defaults. */}}
{{- define "medinfer.operatorEnvironment" -}}
- name: MEDINFER_OPERATOR_NAMESPACE
  valueFrom: {fieldRef: {fieldPath: metadata.namespace}}
- name: MEDINFER_OPERATOR_IDENTITY
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- {name: MEDINFER_OPERATOR_LEASE_NAME, value: {{ include "medinfer.operator" . }}}
{{- if .Values.tracing.enabled }}
- {name: MEDINFER_OPERATOR_TRACING_ENDPOINT, value: {{ include "medinfer.collector" . }}}
{{- end }}
{{- if .Values.operator.webhook.secretName }}
- {name: MEDINFER_OPERATOR_WEBHOOK_FOLDER, value: /etc/medinfer-webhook}
{{- end }}
{{- if .Values.caConfigMapName }}
- {name: MEDINFER_OPERATOR_CA_FILE, value: /etc/medinfer-ca/ca.crt}
{{- end }}
{{- with .Values.operator.approvers }}{{ if .configMapName }}
- {name: MEDINFER_OPERATOR_APPROVERS_CONFIGMAP, value: {{ .configMapName }}}
- {name: MEDINFER_OPERATOR_APPROVERS_NAMESPACE, value: {{ .namespace | default $.Release.Namespace }}}
{{- end }}{{ end }}
{{- with .Values.operator.floors }}{{ if or .requiredGates .acceptanceDigests (ne (toString .atol) "<nil>") .minSamples (ne (toString .minAgreement) "<nil>") }}
- {name: MEDINFER_OPERATOR_FLOORS, value: {{ toJson . | quote }}}
{{- end }}{{ end }}
{{- if ne .Values.bindAddress "0.0.0.0" }}
- {name: MEDINFER_OPERATOR_ADDRESS, value: {{ .Values.bindAddress | quote }}}
{{- end }}
{{- end }}
