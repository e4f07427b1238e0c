/* SPDX-License-Identifier: Apache-2.0 */
/* Written by `./run generate` from schema/events.toml; do not edit. */
#pragma once

/* slots: cluster_name, ei, login, server_hostname, sid, user */
