{{/*
The operator's floors as validations, so that who writes a spec below one is told at once. The operator judges the same; its
documents/floors.py has the same words. Called with .Values.operator.floors.
*/}}
{{- define "medinfer.floorRules" -}}
{{- $who := "whoever installs the operator sets operator.floors" -}}
{{- if ne (toString .atol) "<nil>" }}
- expression: "!variables.isJudged || object.spec.warmup.golden.atol <= {{ toJson .atol }}"
  message: "warmup.golden.atol is above the floor {{ toJson .atol }}: write {{ toJson .atol }} or less; {{ $who }}"
{{- end }}
{{- with .minSamples }}
- expression: >-
    !variables.isJudged || (object.spec.analysis.minSamples >= {{ int64 . }}
    && object.spec.strategy.steps.all(s, !has(s.shadow)
    || (has(s.shadow.minSamples) ? s.shadow.minSamples : 200) >= {{ int64 . }}))
  message: "minSamples of the analysis or of a shadow step is below the floor {{ int64 . }}: write {{ int64 . }} or more; {{ $who }}"
{{- end }}
{{- if ne (toString .minAgreement) "<nil>" }}
- expression: "!variables.isJudged || object.spec.analysis.minAgreement >= {{ toJson .minAgreement }}"
  message: "analysis.minAgreement is below the floor {{ toJson .minAgreement }}: write {{ toJson .minAgreement }} or more; {{ $who }}"
{{- end }}
{{- with .acceptanceDigests }}
- expression: "!variables.isJudged || variables.acceptance.digest in {{ toRawJson . | replace "\"" "'" }}"
  message: "acceptance.digest is none of operator.floors.acceptanceDigests: name a set of the hospital; {{ $who }}"
{{- end }}
{{- range .requiredGates }}
{{- $gate := printf "gate %s" . | toRawJson }}
- expression: >-
    !variables.isJudged || (variables.kinds.indexOf({{ $gate }}) >= 0
    && variables.kinds.indexOf({{ $gate }}) < variables.kinds.indexOf('setWeight'))
  message: {{ printf "strategy.steps has no gate %s before its first setWeight: add gate: {name: %s}; %s" . . $who | quote }}
{{- end }}
{{- end }}
