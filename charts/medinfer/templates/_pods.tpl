{{/* What all pods have in common. */}}

{{/* An image, as a part's values name it: in full, or by repository, tag and digest. Called with (list . "medinfer-api"
     .Values.api.image). */}}
{{- define "medinfer.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 2 | default dict -}}
{{- if kindIs "string" $image }}{{ $image }}{{ else -}}
{{- $ours := printf "%s/%s" (trimSuffix "/" $root.Values.image.repository) (index . 1) | trimPrefix "/" -}}
{{- $tag := $image.tag | default (ternary "" ($root.Values.image.tag | default ($root.Chart.AppVersion | replace "+" "_")) (not (empty $image.digest))) -}}
{{- $image.repository | default $ours }}{{ with $tag }}:{{ . }}{{ end }}{{ with $image.digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{/* Labels of a part's pods, with those of its values. Called with (list . "api" .Values.api "api"). */}}
{{- define "medinfer.templateLabels" -}}
{{- include "medinfer.podLabels" . }}
{{- $name := index . 3 -}}
{{- range $key, $value := (index . 2).podLabels }}
{{- if has $key (list "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/part-of") -}}
{{- fail (printf "%s.podLabels sets %s, by which the chart's own objects find the pods: choose another label" $name $key) -}}
{{- end }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}

{{/* A container's variables, with those of its values. Called with (list "name: value in YAML" "api.extraEnv" .Values.api.extraEnv). */}}
{{- define "medinfer.environment" -}}
{{- $own := index . 0 -}}
{{- $names := list -}}
{{- range $own | fromYamlArray }}{{ $names = append $names .name }}{{ end -}}
{{- range $extra := index . 2 -}}
{{- if has $extra.name $names -}}
{{- fail (printf "%s sets %s, which the chart sets too, or which is there twice: use the chart's value for it, or write it once" (index $ 1) $extra.name) -}}
{{- end -}}
{{- $names = append $names $extra.name -}}
{{- end -}}
{{ $own | trim }}
{{- with index . 2 }}
{{ toYaml . }}
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
Spreads the pods of a part over nodes and zones if there is room, unless its values say otherwise. Called with
(list . "component" .Values.component). The zone is an affinity and not a second constraint: the scheduler ignores nodes
that lack the label of any constraint, so in a cluster without zones pods would share a node. The caller may append to the
affinity.
*/}}
{{- define "medinfer.spread" -}}
{{- $values := index . 2 -}}
topologySpreadConstraints:
  {{- with $values.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "medinfer.selectorLabels" . | nindent 8 }}
  {{- end }}
affinity:
  {{- with $values.affinity }}
  {{- toYaml . | nindent 2 }}
  {{- else }}
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector:
            matchLabels: {{- include "medinfer.selectorLabels" . | nindent 14 }}
  {{- end }}
{{- end }}

{{/* Addresses that the processes of a pod listen on, and reach each other by, as each of them writes these. */}}
{{- define "medinfer.bindAll" -}}{{ eq .Values.bindAddress "::" | ternary "[::]" .Values.bindAddress }}{{- end }}
{{- define "medinfer.tritonBindAll" -}}{{ eq .Values.bindAddress "::" | ternary "ipv6:::" .Values.bindAddress }}{{- end }}
{{- define "medinfer.tritonLoopback" -}}{{ eq .Values.bindAddress "::" | ternary "[::1]" "127.0.0.1" }}{{- end }}

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

{{/* Authorities of one's own: a folder, as the kubelet never updates a single file (subPath). */}}
{{- define "medinfer.caVolume" -}}
{{- with .Values.caConfigMapName -}}
- name: ca
  configMap: {name: {{ . }}, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end }}

{{- define "medinfer.caMount" -}}
{{- if .Values.caConfigMapName -}}
- {name: ca, mountPath: /etc/medinfer-ca, readOnly: true}
{{- end }}
{{- end }}
