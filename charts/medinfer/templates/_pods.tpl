{{/* What all pods have in common. */}}

{{/* Called with (list . "medinfer-api" .Values.api.image). */}}
{{- define "medinfer.image" -}}
{{- $root := index . 0 -}}
{{- $image := $root.Values.image -}}
{{- if index . 2 }}{{ index . 2 }}{{ else -}}
{{- with $image.repository }}{{ trimSuffix "/" . }}/{{ end }}{{ index . 1 }}:{{ $image.tag | default ($root.Chart.AppVersion | replace "+" "_") }}
{{- end }}
{{- end }}

{{/* No service links: for a Service named medinfer-api they would set variables named MEDINFER_API_*. */}}
{{- define "medinfer.podSecurity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- range $key, $id := .Values.identity }}
  {{- if not (kindIs "invalid" $id) }}
  {{ $key }}: {{ $id | int64 }}
  {{- end }}
  {{- end }}
  seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "medinfer.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* Called with a part's values. */}}
{{- define "medinfer.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/*
Spreads the pods of a part over nodes and zones if there is room. Called with (list . "component"). The zone is an
affinity and not a second constraint: the scheduler ignores nodes that lack the label of any constraint, so in a cluster
without zones pods would share a node. The caller may append to the affinity.
*/}}
{{- define "medinfer.spread" -}}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "medinfer.selectorLabels" . | nindent 8 }}
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector:
            matchLabels: {{- include "medinfer.selectorLabels" . | nindent 14 }}
{{- end }}

{{/*
The token is mounted explicitly, so that only the container that calls the API server has it. 3607 s is the lifetime that
automounting uses: the API server then warns about an old token before it refuses it.
*/}}
{{- define "medinfer.tokenVolume" -}}
- name: token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3607}
      - configMap:
          name: kube-root-ca.crt
          items: [{key: ca.crt, path: ca.crt}]
      - downwardAPI:
          items: [{path: namespace, fieldRef: {fieldPath: metadata.namespace}}]
{{- end }}

{{- define "medinfer.tokenMount" -}}
- {name: token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}
