# SPDX-License-Identifier: Apache-2.0
# Tampering, escapes, refused connections and losses. jq -r -f needs-a-look.jq events.log
select(
  (.event | IN("session.tamper", "session.escape", "session.loss", "audit.gap"))
  or (.event == "session.network" and .action == 1)
)
| [.time, .event, .user // "", .sid // "", .program // ""]
| @tsv
