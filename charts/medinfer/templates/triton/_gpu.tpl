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
{{- if (.Values.triton.affinity | default dict).nodeAffinity -}}
{{- fail "triton.affinity.nodeAffinity and triton.gpu.products both say on which nodes replicas run: name the products in the former, and empty the latter" -}}
{{- end }}
nodeAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    nodeSelectorTerms:
      - matchExpressions:
          - {key: nvidia.com/gpu.product, operator: In, values: {{ toJson $gpu.products }}}
{{- end }}
{{- end }}
