{{/* What a pod with a GPU needs beside the rest. */}}

{{- define "medinfer.tritonResources" -}}
{{- $gpu := .Values.triton.gpu -}}
{{- $resources := deepCopy .Values.triton.resources -}}
{{- if $gpu.enabled -}}
{{- $_ := set $resources "limits" (set ($resources.limits | default dict) $gpu.resourceName ($gpu.count | int)) -}}
{{- end -}}
{{ toYaml $resources }}
{{- end }}

{{- define "medinfer.gpuPlacement" -}}
{{- $triton := .Values.triton -}}
{{- with $triton.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- if and $triton.gpu.enabled $triton.gpu.products }}
affinity:
  nodeAffinity:
    requiredDuringSchedulingIgnoredDuringExecution:
      nodeSelectorTerms:
        - matchExpressions:
            - {key: nvidia.com/gpu.product, operator: In, values: {{ toJson $triton.gpu.products }}}
{{- end }}
{{- end }}
