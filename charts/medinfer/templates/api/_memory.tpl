{{/* A Kubernetes quantity of memory in bytes. Called with the quantity. */}}
{{- define "medinfer.bytes" -}}
{{- $quantity := toString . -}}
{{- $number := regexFind "^[0-9.]+" $quantity | float64 -}}
{{- $powers := dict "" 1.0 "k" 1e3 "M" 1e6 "G" 1e9 "T" 1e12 "Ki" 1024.0 "Mi" 1048576.0 "Gi" 1073741824.0 "Ti" 1099511627776.0 -}}
{{- mulf $number (get $powers (regexFind "[a-zA-Z]*$" $quantity)) | int64 -}}
{{- end }}

{{/* Refuses values of the API that its memory limit cannot hold. A worker at rest and master have 176Mi, a tensor 590Ki;
     85 % of the limit are used, because an allocator does not give back everything at once. */}}
{{- define "medinfer.checkApiMemory" -}}
{{- $api := .Values.api -}}
{{- if lt (int64 $api.memoryBudgetBytes) (mul 4 (int64 $api.maxUploadBytes)) -}}
{{- fail (printf "api.memoryBudgetBytes (%d) is below four times api.maxUploadBytes (%d), and one client gets a quarter of it: raise the first or lower the second" (int64 $api.memoryBudgetBytes) (int64 $api.maxUploadBytes)) -}}
{{- end -}}
{{- with ($api.resources.limits | default dict).memory -}}
{{- $worker := add 184549376 (mul 604160 (int64 $api.maxInFlight)) (int64 $api.maxUploadBytes) (int64 $api.memoryBudgetBytes) -}}
{{- $needed := divf (mulf (mul $worker (int64 $api.workers)) 1.0) 0.85 1048576.0 | ceil | int64 -}}
{{- if lt (include "medinfer.bytes" . | int64) (mul $needed 1048576) -}}
{{- fail (printf "api.resources.limits.memory (%v) is too small for api.workers %d, each with api.memoryBudgetBytes %d, api.maxInFlight %d and api.maxUploadBytes %d: raise it to %dMi, or lower one of these" . (int64 $api.workers) (int64 $api.memoryBudgetBytes) (int64 $api.maxInFlight) (int64 $api.maxUploadBytes) $needed) -}}
{{- end -}}
{{- end -}}
{{- end }}
