/* SPDX-License-Identifier: Apache-2.0 */
/* A command's record, taken apart. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/types.h>

#include "../../bpf/include/record.h"

struct part {
	const char *bytes;
	size_t size;
};

struct command {
	struct file_identity exe;
	uint32_t mount;
	struct part texts[COMMAND_TEXTS], args;
};

/* NULL, or why it is not one. */
const char *read_command(const char *bytes, size_t size, struct command *command);
