{{/* What a pod needs for its GPUs. */}}

{{- define "medinfer.tritonResources" -}}
{{- $gpu := .Values.triton.gpu -}}
{{- $resources := deepCopy .Values.triton.resources -}}
{{- if $gpu.enabled -}}
{{- $_ := set $resources "limits" (set ($resources.limits | default dict) $gpu.resourceName ($gpu.count | int)) -}}
{{- end -}}
{{ toYaml $resources }}
{{- end }}

{{/* Node affinity for the allowed GPU products. */}}
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
