/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Requests of sessions to a service manager, as D-Bus messages on a Unix socket, or to Docker, by HTTP on one:
 * to create and start a unit, or to start a container. The message is where the caller has put it,
 * whole, in one piece or with its body in a second. */
#include "dispatch.bpf.h"

#include "lib/delegation.bpf.h"
#include "lib/socket.bpf.h"

#define MESSAGE_BYTES 1024
#define PIECE_LIMIT 512
#define LEAST_MESSAGE 96
#define FIXED_HEADER 16
#define MAX_FIELDS 10
#define FIELD_MEMBER 3
#define METHOD_CALL WORD("l\1") /* behind the letter for the order of bytes */
#define POST WORD("PO") /* the first letters of a request */
#define POST_PATH 6 /* where its path begins, after a slash */
#define LONGEST_VERSION 8
#define CONTAINERS WORD("containe") /* of containers/ID/start */
#define CONTAINERS_BYTES 11
#define ID_BYTES 64
#define START WORD("star")
#define EXEC_IN WORD("exec")
#define START_TRANSIENT WORD("StartTra") /* the first 8 letters of StartTransientUnit */

struct piece {
	__u64 base, size;
};

struct message {
	char bytes[2 * MESSAGE_BYTES]; /* as many more as a read at a masked place may take */
	__u32 size;
	__u32 next, end; /* of the fields of the header */
	bool wanted;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct message);
} proctor_message SEC(".maps");

static __always_inline void pieces_of(const struct syscall *call, struct piece pieces[2])
{
	__u64 vector = call->args[1];

	pieces[0] = (struct piece){.base = call->args[1], .size = call->args[2]};
	if (call->operation == WRITE || call->operation == SENDTO)
		return;
	if (call->operation == SENDMSG) /* behind name, its length, and a gap */
		bpf_probe_read_user(&vector, sizeof(vector), (void *)call->args[1] + 16);
	bpf_probe_read_user(pieces, 2 * sizeof(*pieces), (void *)vector);
}

static __always_inline void add_piece(struct message *message, const struct piece *piece)
{
	__u32 size = piece->size < PIECE_LIMIT ? piece->size : PIECE_LIMIT;

	if (bpf_probe_read_user(message->bytes + (message->size & (MESSAGE_BYTES - 1)), size, (void *)piece->base))
		return;
	message->size += size;
}

static __always_inline __u32 number_at(const struct message *message, __u32 place)
{
	__u32 number;

	__builtin_memcpy(&number, message->bytes + (place & (MESSAGE_BYTES - 1)), sizeof(number));
	return number;
}

static __always_inline __u8 byte_at(const struct message *message, __u32 place)
{
	return message->bytes[place & (MESSAGE_BYTES - 1)];
}

/* One field of the header: a code, a signature of one letter, a value. */
static LOOP_CB long read_field(__u32 index, struct message **context)
{
	struct message *message = *context;
	__u32 place = (message->next + 7) & ~7U;
	char kind = byte_at(message, place + 2);
	__u64 name;

	if (place >= message->end)
		return 1;
	if (byte_at(message, place) == FIELD_MEMBER) {
		__builtin_memcpy(&name, message->bytes + ((place + 8) & (MESSAGE_BYTES - 1)), sizeof(name));
		message->wanted = name == START_TRANSIENT;
		return 1;
	}
	if (kind == 's' || kind == 'o')
		message->next = place + 8 + number_at(message, place + 4) + 1;
	else if (kind == 'g')
		message->next = place + 5 + byte_at(message, place + 4) + 1;
	else
		message->next = place + 8;
	return 0;
}

/* Where the body begins, of a call that starts a unit; 0 for any other message. */
static __always_inline __u32 body_of(struct message *message)
{
	message->wanted = false;
	message->next = FIXED_HEADER;
	message->end = FIXED_HEADER + number_at(message, 12);
	bpf_loop_compat(MAX_FIELDS, MAX_FIELDS, read_field, &message);
	return message->wanted && message->end < MESSAGE_BYTES - 8 ? (message->end + 7) & ~7U : 0;
}

/* Save the request of the session that is in the scratch buffers: key and evidence. */
static __always_inline void save_requested_job(const struct task_state *state, struct delegation_scratch *scratch,
											   enum daemon daemon, const struct job *known)
{
	struct job job = {.session = state->session, .kinds = state->kinds, .daemon = daemon};

	if (known && known->session == state->session)
		return;
	scratch->evidence.daemon = daemon;
	job.delegation = save_evidence(state->session, &scratch->evidence);
	save_job_key(&scratch->order, &job);
}

static __always_inline void on_unit_requested(const struct task_state *state, struct message *message,
											  struct delegation_scratch *scratch)
{
	__u32 body = body_of(message), size;

	if (!body)
		return;
	size = number_at(message, body);
	if (!size || body + 4 + size > message->size)
		return;
	scratch->evidence.size = bounded(size);
	bpf_probe_read_kernel(scratch->evidence.text, bounded(size), message->bytes + ((body + 4) & (MESSAGE_BYTES - 1)));
	save_requested_job(state, scratch, DAEMON_MANAGER,
					   find_job_by_name(scratch, DAEMON_MANAGER, scratch->evidence.size));
}

/* POST /containers/ID/start, perhaps with a version before: /v1.41/containers/ID/start. */
static __always_inline void on_container_requested(const struct task_state *state, struct message *message,
												   struct delegation_scratch *scratch)
{
	__u32 place = POST_PATH, action;

	for (__u32 letter = 0; letter < LONGEST_VERSION; letter++)
		if (message->bytes[POST_PATH + letter] == '/')
			place = POST_PATH + letter + 1;
	if (*(__u64 *)(message->bytes + place) != CONTAINERS)
		return;
	action = number_at(message, place + CONTAINERS_BYTES + ID_BYTES + 1);
	if (action != START && action != EXEC_IN)
		return;
	scratch->evidence.size = CONTAINERS_BYTES + ID_BYTES;
	bpf_probe_read_kernel(scratch->evidence.text, CONTAINERS_BYTES + ID_BYTES, message->bytes + place);
	__builtin_memset(scratch->order.text, 0, sizeof(scratch->order.text));
	bpf_probe_read_kernel(scratch->order.text, ID_BYTES, message->bytes + place + CONTAINERS_BYTES);
	save_requested_job(state, scratch, DAEMON_CONTAINERS, find_job(&scratch->order, DAEMON_CONTAINERS, ANY_USER));
}

/* Most writes are ruled out by their first bytes, which is cheaper than to find the socket. */
static __always_inline __u16 start_of(const struct piece *piece)
{
	__u16 start = 0;

	bpf_probe_read_user(&start, sizeof(start), (void *)piece->base);
	return start;
}

/* A task of a session has written to a file or a socket, or has asked io_uring to: the file is known then. */
__subprog void on_message_sent(const struct task_state *state, const struct syscall *call)
{
	struct delegation_scratch *scratch;
	struct piece pieces[2] = {};
	struct message *message;
	__u32 zero = 0, start;
	struct sock *sk;

	if (call->result < LEAST_MESSAGE)
		return;
	pieces_of(call, pieces);
	start = start_of(&pieces[0]);
	if (start != METHOD_CALL && start != POST)
		return;
	sk = call->file ? socket_of_file(call->file) : socket_of(call->args[0]);
	if (!sk || field_of(sk, __sk_common.skc_family) != AF_UNIX)
		return;
	scratch = job_scratch_lookup();
	message = bpf_map_lookup_elem(&proctor_message, &zero);
	if (!message || !scratch)
		return;
	message->size = 0;
	add_piece(message, &pieces[0]);
	add_piece(message, &pieces[1]);
	if (start == METHOD_CALL)
		on_unit_requested(state, message, scratch);
	else
		on_container_requested(state, message, scratch);
}
