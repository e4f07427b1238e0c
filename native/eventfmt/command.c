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

static void command_env(struct event *event, const struct command *command)
{
	struct part rest = command->texts[TEXT_ENV];
	const char *before = KEY_ENV "{";
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

static void add_text(struct event *event, const char *key, struct part text)
{
	add_given(event->out, key, text.bytes, text.size);
}

/* Is the path of exe one that does not say which file it is? */
static int is_detached(const struct event *event, const struct command *command)
{
	return command->texts[TEXT_EXE].size && event->header.flags & DETACHED;
}

static void command_exe_device(struct event *event, const struct command *command)
{
	char device[DEVICE_BYTES];

	if (is_detached(event, command))
		add_named(event->out, KEY_EXE_DEVICE, device, spell_device(device, command->exe.device));
}

static void command_exe_inode(struct event *event, const struct command *command)
{
	if (is_detached(event, command))
		add_count(event->out, KEY_EXE_INODE, command->exe.inode);
}

static void command_exe_mount_id(struct event *event, const struct command *command)
{
	if (is_detached(event, command))
		add_count(event->out, KEY_EXE_MOUNT_ID, command->mount);
}

static void command_exe(struct event *event, const struct command *command)
{
	struct part exe = command->texts[TEXT_EXE];

	if (exe.size)
		add_path(event, KEY_EXE, exe.bytes, exe.size);
}

static void command_exe_state(struct event *event, const struct command *command)
{
	const char *state = state_of(event, command->texts[TEXT_EXE]);

	add_given(event->out, KEY_EXE_STATE, state, strlen(state));
}

static const char *digest_text(const struct event *event, const struct command *command, size_t *size)
{
	const char *text = command->exe.inode ? digest_of(event->about->digests, &command->exe) : NULL;

	*size = text ? strnlen(text, DIGEST_TEXT) : 0;
	return text;
}

static void command_sha256(struct event *event, const struct command *command)
{
	size_t size;
	const char *text = digest_text(event, command, &size);

	if (size == DIGEST_TEXT)
		add_given(event->out, KEY_SHA256, text, size);
}

/* A shorter text says why there is no digest. */
static void command_sha256_missing(struct event *event, const struct command *command)
{
	size_t size;
	const char *text = digest_text(event, command, &size);

	if (size != DIGEST_TEXT)
		add_given(event->out, KEY_SHA256_MISSING, text, size);
}

/* The path given to exec, made absolute when the program runs. */
static void command_path(struct event *event, const struct command *command)
{
	struct part path = command->texts[TEXT_PATH], cwd = command->texts[TEXT_CWD];
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
	add_named(event->out, KEY_PATH, whole.bytes, whole.size);
	event->out->failed |= whole.failed;
	text_free(&whole);
}

/* The kernel's name of a terminal without the directory: pts3 is /dev/pts/3. */
static void command_tty(struct event *event, const struct command *command)
{
	struct part name = command->texts[TEXT_TTY];
	struct text whole = {};
	int pseudo =
		name.size > 3 && is_digit(name.bytes[3]) && (!memcmp(name.bytes, "pts", 3) || !memcmp(name.bytes, "ptm", 3));

	if (!name.size)
		return;
	text_literal(&whole, "/dev/");
	text_add(&whole, name.bytes, pseudo ? 3 : 0);
	text_add(&whole, "/", pseudo);
	text_add(&whole, name.bytes + (pseudo ? 3 : 0), name.size - (pseudo ? 3 : 0));
	add_named(event->out, KEY_TTY, whole.bytes, whole.size);
	event->out->failed |= whole.failed;
	text_free(&whole);
}

static void command_args(struct event *event, const struct command *command)
{
	add_arguments(event, KEY_ARGS, command->args, 0);
}

static void command_argv(struct event *event, const struct command *command)
{
	add_arguments(event, KEY_ARGV, command->args, 1);
}

static void command_cwd(struct event *event, const struct command *command)
{
	add_text(event, KEY_CWD, command->texts[TEXT_CWD]);
}

static void command_cwd_state(struct event *event, const struct command *command)
{
	if (event->header.flags & DETACHED_CWD)
		text_literal(event->out, KEY_CWD_STATE "\"detached\"");
}

static void command_interpreter(struct event *event, const struct command *command)
{
	add_text(event, KEY_INTERPRETER, command->texts[TEXT_INTERPRETER]);
}

static void command_loader(struct event *event, const struct command *command)
{
	add_text(event, KEY_LOADER, command->texts[TEXT_LOADER]);
}

static void command_ppid(struct event *event, const struct command *command)
{
	add_count(event->out, KEY_PPID, event->header.ppid);
}

static void command_return_code(struct event *event, const struct command *command)
{
	add_return_code(event);
}

const char *add_command(struct event *event)
{
	struct command command;
	const char *complaint = read_command(event->record, event->size, &command);

	if (complaint)
		return complaint;
#define OWN_FIELD(name) command_##name(event, &command);
	SESSION_COMMAND_FIELDS(COMMON_FIELD, OWN_FIELD, TEXT_FIELD, SLOT_FIELD)
#undef OWN_FIELD
	return NULL;
}
