-- Health of a ModelRollout, from its kstatus conditions. Argo CD runs it with `obj`, and without Lua's string library.
local status = obj.status or {}
if status.conditions == nil or status.observedGeneration ~= obj.metadata.generation then
  return {status = "Progressing", message = "waiting for the rollout operator to reconcile this spec"}
end

local conditions = {}
for _, one in ipairs(status.conditions) do
  conditions[one.type] = one
end
local ready = conditions.Ready or {status = "Unknown", message = status.message}

local health = "Progressing"
if ready.status == "True" then
  health = "Healthy"
elseif ready.status == "False" then
  health = "Degraded"
elseif ready.reason == "AwaitingApproval" or ready.reason == "Suspended" then
  health = "Suspended"
end
return {status = health, message = ready.message}
