{{/* What a pod with a GPU needs beside the rest. */}}

{{- define "medinfer.tritonResources" -}}
{{- $gpu := .Values.triton.gpu -}}
{{- $resources := deepCopy .Values.triton.resources -}}
{{- if $gpu.enabled -}}
{{- $_ := set $resources "limits" (set ($resources.limits | default dict) $gpu.resourceName ($gpu.count | int)) -}}
{{- end -}}
{{ toYaml $resources }}
{{- end }}

{{/* The node's part of an affinity. */}}
{{- define "medinfer.gpuAffinity" -}}
{{- $gpu := .Values.triton.gpu -}}
{{- if and $gpu.enabled $gpu.products }}
nodeAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    nodeSelectorTerms:
      - matchExpressions:
          - {key: nvidia.com/gpu.product, operator: In, values: {{ toJson $gpu.products }}}
{{- end }}
{{- end }}
