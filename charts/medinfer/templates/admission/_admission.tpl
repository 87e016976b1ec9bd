{{/*
What the API server refuses, whoever asks. docs/security.md has the rules as a table. A policy belongs to the whole cluster:
its name holds release and namespace, and its binding selects this namespace alone.
*/}}

{{/* Called with (list . "what"). A dot is in neither a release's part nor a namespace's name. */}}
{{- define "medinfer.policy" -}}
{{ include "medinfer.fullname" (index . 0) }}-{{ index . 1 }}.{{ (index . 0).Release.Namespace }}
{{- end }}

{{/* Called with (list . "what"). */}}
{{- define "medinfer.policyBinding" -}}
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: {{ include "medinfer.policy" . }}
  labels: {{- include "medinfer.labels" (list (index . 0) "admission") | nindent 4 }}
spec:
  policyName: {{ include "medinfer.policy" . }}
  validationActions: [Deny]
  matchResources:
    namespaceSelector:
      matchLabels: {kubernetes.io/metadata.name: {{ (index . 0).Release.Namespace }}}
{{- end }}

{{/* The ConfigMaps that say who is trusted, each with the Role of those who may write it. A JSON list. */}}
{{- define "medinfer.trustLists" -}}
{{- $lists := list -}}
{{- with .Values.triton.agent.signersConfigMapName -}}
{{- $role := printf "%s-trust-signers" (include "medinfer.fullname" $) -}}
{{- $lists = append $lists (dict "name" . "namespace" $.Release.Namespace "role" $role) -}}
{{- end -}}
{{- with .Values.operator.approvers }}{{ if .configMapName -}}
{{- $role := printf "%s-trust-approvers" (include "medinfer.fullname" $) -}}
{{- $lists = append $lists (dict "name" .configMapName "namespace" (.namespace | default $.Release.Namespace) "role" $role) -}}
{{- end }}{{ end -}}
{{ toJson $lists }}
{{- end }}

{{/* Expressions of CEL. */}}
{{- define "medinfer.isOperator" -}}
request.userInfo.username == 'system:serviceaccount:{{ .Release.Namespace }}:{{ include "medinfer.operator" . }}'
{{- end }}

{{- define "medinfer.isPerson" -}}
{{- with .Values.admission.controllers -}}
!(request.userInfo.username in {{ toRawJson . }})
{{- else -}}
!request.userInfo.username.startsWith('system:serviceaccount:')
{{- end -}}
{{- end }}

{{/* Whether who asks has this verb of RBAC on the ModelRollout. Called with the verb. */}}
{{- define "medinfer.may" -}}
authorizer.group('serving.medinfer.io').resource('modelrollouts').namespace(request.namespace).name(object.metadata.name).check('{{ . }}').allowed()
{{- end }}

{{/* What an address must begin with: a prefix of whole parts, as the agents read it. A JSON list. */}}
{{- define "medinfer.addressPrefixes" -}}
{{- $prefixes := list -}}
{{- range splitList " " (include "medinfer.allowedPrefixes" .) -}}
{{- $prefix := printf "%s/" (trimSuffix "/" .) -}}
{{- $prefixes = append $prefixes $prefix -}}
{{- if regexMatch "^file:/[^/]" $prefix }}{{ $prefixes = append $prefixes (replace "file:/" "file:///" $prefix) }}{{ end -}}
{{- if hasPrefix "oci://" $prefix }}{{ $prefixes = append $prefixes (printf "%s@" (trimSuffix "/" $prefix)) }}{{ end -}}
{{- end -}}
{{ toRawJson $prefixes }}
{{- end }}
