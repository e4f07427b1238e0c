/* SPDX-License-Identifier: Apache-2.0 */
/* Executed programs. */
#define _GNU_SOURCE
#include "command.h"

#include "digests.h"
#include "line.h"

#include <string.h>

const char *read_command(const char *bytes, size_t size, struct command *command)
{
	struct command_record record;
	const char *at = bytes + sizeof(record), *end = bytes + size;

	if (size < sizeof(record))
		return "torn command";
	memcpy(&record, bytes, sizeof(record));
	command->exe = record.exe;
	command->mount = record.mount;
	for (int i = 0; i < COMMAND_TEXTS; at += record.sizes[i], i++) {
		if (record.sizes[i] > end - at)
			return "texts of a command beyond its end";
		command->texts[i] = (struct part){at, record.sizes[i]};
	}
	if (record.args > end - at)
		return "arguments of a command beyond its end";
	command->args = (struct part){at, record.args};
	return NULL;
}

/* The first of a block of strings that end with NUL, taken from it; the last may be cut short. */
static struct part next_string(struct part *block)
{
	const char *end = memchr(block->bytes, 0, block->size);
	struct part string = {block->bytes, end ? (size_t)(end - block->bytes) : block->size};
	size_t used = string.size + !!end;

	block->bytes += used;
	block->size -= used;
	return string;
}

static void add_arguments(struct event *event, const char *key, struct part args, int skip)
{
	const char *before = "";

	text_add(event->out, key, strlen(key));
	text_literal(event->out, "[");
	while (args.size) {
		struct part argument = next_string(&args);

		if (skip-- > 0)
			continue;
		add_named(event->out, before, argument.bytes, argument.size);
		before = ",";
	}
	text_literal(event->out, "]");
}

static size_t name_size(struct part variable)
{
	const char *equals = memchr(variable.bytes, '=', variable.size);

	return equals ? (size_t)(equals - variable.bytes) : variable.size;
}

/* Is there a variable of the same name in the rest? The last one counts. */
static int comes_again(struct part variable, struct part rest)
{
	size_t size = name_size(variable);

	while (rest.size) {
		struct part other = next_string(&rest);

		if (name_size(other) == size && !memcmp(other.bytes, variable.bytes, size))
			return 1;
	}
	return 0;
}

static void add_variable(struct text *out, struct part variable)
{
	enum spelling spelling = spelling_of(variable.bytes, variable.size);
	size_t name = name_size(variable), value = name < variable.size ? name + 1 : name;

	text_literal(out, "\"");
	text_inner(out, variable.bytes, name, spelling);
	text_literal(out, "\":\"");
	text_inner(out, variable.bytes + value, variable.size - value, spelling);
	text_literal(out, "\"");
}

static void add_environment(struct event *event, struct part rest)
{
	const char *before = ",\"env\":{";
	int empty = !rest.size;

	while (rest.size) {
		struct part variable = next_string(&rest);

		if (comes_again(variable, rest))
			continue;
		text_add(event->out, before, strlen(before));
		add_variable(event->out, variable);
		before = ",";
	}
	if (!empty)
		text_literal(event->out, "}");
}

static int is_digit(char byte)
{
	return byte >= '0' && byte <= '9';
}

static int is_word(char byte)
{
	return is_digit(byte) || byte == '_' || (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

/* Is it ld.so, ld-linux-x86-64.so.2, ld-2.31.so or the like, in some directory? */
static int is_linker(struct part exe)
{
	const char *slash = memrchr(exe.bytes, '/', exe.size), *end = exe.bytes + exe.size, *at;

	if (!slash)
		return 0;
	while (end[-1] == '.' || is_digit(end[-1]))
		end--;
	at = slash + 1;
	if (end - at < 5 || memcmp(at, "ld", 2) || memcmp(end - 3, ".so", 3))
		return 0;
	at += 2;
	end -= 3;
	if (at < end && *at != '-' && !is_digit(*at))
		return 0;
	while (at < end && (is_word(*at) || *at == '-' || *at == '.'))
		at++;
	return at == end;
}

/* Why exe does not say by itself what was run; names of memory files have no slash before them. */
static const char *state_of(const struct event *event, struct part exe)
{
	if (exe.size >= 6 && !memcmp(exe.bytes, "memfd:", 6))
		return "memfd";
	if (event->header.flags & DELETED)
		return "deleted";
	if (exe.size && event->header.flags & DETACHED)
		return "detached";
	return is_linker(exe) ? "linker" : "";
}

/* Which file it is, where its path does not say so. */
static void add_identity(struct event *event, const struct command *command)
{
	char device[DEVICE_BYTES];

	add_named(event->out, ",\"exe_device\":", device, spell_device(device, command->exe.device));
	add_count(event->out, ",\"exe_inode\":", command->exe.inode);
	add_count(event->out, ",\"exe_mount_id\":", command->mount);
}

static void add_executable(struct event *event, const struct command *command)
{
	struct part exe = command->texts[TEXT_EXE];
	const char *state = state_of(event, exe);

	if (exe.size)
		add_path(event, ",\"exe\":", exe.bytes, exe.size);
	if (exe.size && event->header.flags & DETACHED)
		add_identity(event, command);
	add_given(event->out, ",\"exe_state\":", state, strlen(state));
}

/* Or why there is none. */
static void add_digest(struct event *event, const struct file_identity *exe)
{
	const char *text = exe->inode ? digest_of(event->about->digests, exe) : NULL;
	size_t size = text ? strnlen(text, DIGEST_TEXT) : 0;

	add_given(event->out, size == DIGEST_TEXT ? ",\"sha256\":" : ",\"sha256_missing\":", text, size);
}

/* The path given to exec, made absolute when the program runs. */
static void add_command_path(struct event *event, struct part path, struct part cwd)
{
	struct text whole = {};

	if (event->header.result == 0 && cwd.size && !(path.size && path.bytes[0] == '/')) {
		while (cwd.size && cwd.bytes[cwd.size - 1] == '/')
			cwd.size--;
		if (path.size >= 2 && !memcmp(path.bytes, "./", 2))
			path = (struct part){path.bytes + 2, path.size - 2};
		text_add(&whole, cwd.bytes, cwd.size);
		text_literal(&whole, "/");
	}
	text_add(&whole, path.bytes, path.size);
	add_named(event->out, SLOT ",\"path\":", whole.bytes, whole.size);
	event->out->failed |= whole.failed;
	text_free(&whole);
}

/* The kernel's name of a terminal without the directory: pts3 is /dev/pts/3. */
static void add_terminal(struct event *event, struct part name)
{
	struct text whole = {};
	int pseudo = name.size > 3 && is_digit(name.bytes[3]) &&
				 (!memcmp(name.bytes, "pts", 3) || !memcmp(name.bytes, "ptm", 3));

	if (!name.size)
		return;
	text_literal(&whole, "/dev/");
	text_add(&whole, name.bytes, pseudo ? 3 : 0);
	text_add(&whole, "/", pseudo);
	text_add(&whole, name.bytes + (pseudo ? 3 : 0), name.size - (pseudo ? 3 : 0));
	add_named(event->out, ",\"tty\":", whole.bytes, whole.size);
	event->out->failed |= whole.failed;
	text_free(&whole);
}

const char *add_command(struct event *event)
{
	struct command command;
	const char *complaint = read_command(event->record, event->size, &command);
	struct part *texts = command.texts;

	if (complaint)
		return complaint;
	add_arguments(event, "\"args\":", command.args, 0);
	add_arguments(event, ",\"argv\":", command.args, 1);
	text_literal(event->out, ",");
	add_audit_session(event);
	add_code(event, "T4000I");
	add_given(event->out, ",\"cwd\":", texts[TEXT_CWD].bytes, texts[TEXT_CWD].size);
	if (event->header.flags & DETACHED_CWD)
		text_literal(event->out, ",\"cwd_state\":\"detached\"");
	add_detached(event);
	text_literal(event->out, SLOT);
	add_environment(event, texts[TEXT_ENV]);
	add_event(event, "session.command");
	add_executable(event, &command);
	add_given(event->out, ",\"interpreter\":", texts[TEXT_INTERPRETER].bytes, texts[TEXT_INTERPRETER].size);
	add_given(event->out, ",\"loader\":", texts[TEXT_LOADER].bytes, texts[TEXT_LOADER].size);
	add_command_path(event, texts[TEXT_PATH], texts[TEXT_CWD]);
	add_process(event);
	add_result(event);
	text_literal(event->out, SLOT);
	add_digest(event, &command.exe);
	text_literal(event->out, SLOT);
	add_time(event);
	add_truncated(event);
	add_terminal(event, texts[TEXT_TTY]);
	add_uid(event);
	add_end(event);
	return NULL;
}
