// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A session: the connection to uvfd, and frames in the appliance's hands. */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "why.h"

#define FRAMES_DEFAULT 8192
#define FRAMES_MIN 64
#define FRAMES_MAX (1u << 20)
#define FRAME_SIZE_DEFAULT 2048
#define LINGER_DEFAULT 30
#define BUSY_MAX 1000000
#define KEEP_MAX (64u << 20)
#define OPTIONS_FIRST offsetof(struct uvf_opts, jumbo) /* bytes of uvf_opts in the first version */
#define OPTIONS_MAX 4096
#define REDIRECT_MS 100 /* who asks has frames to carry meanwhile */

const char *uvf__why(void)
{
	return uvf_why();
}

/* What a card needs (`uvf lease`) the operator knows, and not the appliance's author. */
static int frame_size_default(uint32_t *size)
{
	const char *text = getenv("UVF_FRAME_SIZE");

	*size = FRAME_SIZE_DEFAULT;
	if (!text || !strcmp(text, "2048"))
		return 0;
	*size = 4096;
	if (!strcmp(text, "4096"))
		return 0;
	return uvf_fail(EINVAL, "UVF_FRAME_SIZE=%s: 2048 or 4096 are possible", text);
}

/* Frames of several buffers are no surprise to who never heard of them: only an appliance asks. */
static int jumbo_choose(uint32_t *jumbo)
{
	const char *text = getenv("UVF_JUMBO");
	bool set = text && !strcmp(text, "1");

	if (text && !set && strcmp(text, "0"))
		return uvf_fail(EINVAL, "UVF_JUMBO=%s: 1 or 0 are possible", text);
	if (*jumbo > UVF_JUMBO_IF_SET)
		return uvf_fail(EINVAL, "uvf_opts.jumbo is %u: use one of UVF_JUMBO_*", *jumbo);
	if (*jumbo == UVF_JUMBO_NEVER && set)
		return uvf_fail(EOPNOTSUPP, "UVF_JUMBO=1, and this appliance takes no frames of "
					    "several buffers: unset it");
	if (*jumbo == UVF_JUMBO_IF_SET)
		*jumbo = set;
	return 0;
}

/* An older program has fewer options, and those of a newer one that are zero can be left out. */
static int options_copy(const struct uvf_opts *opts, struct uvf_opts *to)
{
	size_t size = opts->size < sizeof(*to) ? opts->size : sizeof(*to);

	if (size < OPTIONS_FIRST || opts->size > OPTIONS_MAX)
		return uvf_fail(EINVAL, "uvf_opts.size is %zu: set it to sizeof(struct uvf_opts)",
				opts->size);
	for (size_t i = size; i < opts->size; i++)
		if (((const uint8_t *)opts)[i])
			return uvf_fail(EINVAL, "uvf_opts has options that this libuvf does not know: "
					       "install a newer one");
	memcpy(to, opts, size);
	return 0;
}

static int options_read(const struct uvf_opts *opts, struct uvf_opts *to)
{
	int err;

	*to = (struct uvf_opts){ .size = sizeof(*to) };
	err = opts ? options_copy(opts, to) : 0;
	if (!err)
		err = jumbo_choose(&to->jumbo);
	if (err)
		return err;
	if (!to->linger)
		to->linger = LINGER_DEFAULT;
	if (to->linger > UVF_LINGER_MAX && to->linger != UVF_NO_LINGER)
		return uvf_fail(EINVAL, "%u seconds to linger: up to %d are possible", to->linger,
				UVF_LINGER_MAX);
	if (to->busy_us > BUSY_MAX && to->busy_us != UVF_BUSY_ALWAYS)
		return uvf_fail(EINVAL, "%u microseconds to poll busily: up to %d are possible, or "
					"UVF_BUSY_ALWAYS", to->busy_us, BUSY_MAX);
	if (to->busy_budget > UVF_BUDGET_MAX || (to->busy_budget && !to->busy_us))
		return uvf_fail(EINVAL, "busy polling for %u frames: up to %d are possible, with "
					"busy_us set", to->busy_budget, UVF_BUDGET_MAX);
	if (!to->frames)
		to->frames = FRAMES_DEFAULT;
	if (!to->frame_size && frame_size_default(&to->frame_size))
		return -EINVAL;
	if (to->frames < FRAMES_MIN || to->frames > FRAMES_MAX)
		return uvf_fail(EINVAL, "%u frames: %u to %u are possible", to->frames, FRAMES_MIN,
				FRAMES_MAX);
	if (to->frame_size != 2048 && to->frame_size != 4096)
		return uvf_fail(EINVAL, "frames of %u bytes: 2048 or 4096 are possible",
				to->frame_size);
	if (to->meta & ~(UVF_META_RX | UVF_META_TX))
		return uvf_fail(EINVAL, "uvf_opts.meta is %#x: use UVF_META_*", to->meta);
	if (to->keep > KEEP_MAX)
		return uvf_fail(EINVAL, "%u bytes to keep: up to %u are possible", to->keep,
				KEEP_MAX);
	if (to->frames * (uint64_t)to->frame_size % 4096)
		return uvf_fail(EINVAL, "%u frames of %u bytes do not fill whole pages",
				to->frames, to->frame_size);
	return 0;
}

/* `uvf run` leaves a connection open for its child and says which in UVF_FD. It serves once. */
static int connection_inherited(void)
{
	const char *text = getenv("UVF_FD");
	socklen_t len = sizeof(int);
	int type;
	char *end;
	long fd;

	if (!text)
		return -ENOENT;
	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || *end || end == text || fd < 0 || fd > INT_MAX ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) || type != SOCK_SEQPACKET)
		return uvf_fail(EBADF, "UVF_FD=%s is not a connection to uvfd: start the appliance "
				       "with `uvf run`, or unset it", text);
	unsetenv("UVF_FD");
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

static int connection_open(const struct uvf_opts *opts)
{
	const char *path = opts->socket;
	int fd;

	if (!path) {
		fd = connection_inherited();
		if (fd != -ENOENT)
			return fd;
		path = getenv("UVF_SOCKET");
	}
	return uvf_proto_connect(path ?: UVF_SOCKET);
}

static int umem_register(struct uvf *uvf, const struct uvf_opts *opts)
{
	struct uvf_request request = {
		.version = UVF_PROTO_VERSION,
		.type = UVF_MSG_MEMORY,
		.memory = {
			.size = uvf->size,
			.frame_size = 1u << uvf->frame_shift,
			.linger = opts->linger == UVF_NO_LINGER ? 0 : opts->linger,
			.busy_budget = opts->busy_budget,
			.flags = (uvf->jumbo ? UVF_MEMORY_JUMBO : 0) | meta_flags(uvf),
		},
	};
	struct uvf_reply reply;

	return uvf_proto_call(uvf->sock, &request, uvf->memfd, &reply, NULL);
}

/* `uvf run` knows whether a predecessor left something. */
static int memory_open(struct uvf *uvf, const struct uvf_opts *opts)
{
	int err = 0;

	if (getenv("UVF_RESUME"))
		err = memory_resume(uvf);
	unsetenv("UVF_RESUME");
	uvf->resumed = err == 1;
	if (err)
		return uvf->resumed ? 0 : err;
	err = memory_make(uvf);
	if (!err)
		err = umem_register(uvf, opts);
	return err;
}

/* `uvf run` says on which functions; without it they are counted as they are opened. */
static unsigned int functions_expected(void)
{
	const char *at = getenv("UVF_FUNCTIONS") ?: "";
	unsigned int n = 0;

	for (at += strspn(at, " "); *at && n < UVF_DEVS; at += strspn(at, " "), n++)
		at += strcspn(at, " ");
	return n;
}

/* Half of the frames are for receiving, the same number for each function. */
void frames_share(struct uvf *uvf, unsigned int functions)
{
	if (functions > uvf->functions)
		uvf->functions = functions;
	for (unsigned int i = 0; i < UVF_DEVS; i++)
		if (uvf->devs[i])
			uvf->devs[i]->share = uvf->frames / 2 / uvf->functions /
					      uvf->devs[i]->sources;
}

int uvf__open(struct uvf **to, const struct uvf_opts *user_opts)
{
	struct uvf_opts opts;
	struct uvf *uvf;
	int err;

	*to = NULL;
	err = options_read(user_opts, &opts);
	if (err)
		return err;
	uvf = calloc(1, sizeof(*uvf));
	if (!uvf)
		return uvf_fail(ENOMEM, "no memory for a session");
	uvf->memfd = -1;
	uvf->frames = opts.frames;
	uvf->frame_shift = __builtin_ctz(opts.frame_size);
	uvf->size = (uint64_t)opts.frames << uvf->frame_shift;
	uvf->busy_us = opts.busy_us;
	uvf->busy_poll = opts.busy_budget;
	uvf->jumbo = opts.jumbo;
	uvf->meta_rx = opts.meta & UVF_META_RX;
	uvf->asked = opts.meta & UVF_META_TX ? UVF_ASKED : 0;
	uvf->reach = uvf->size;
	uvf->keep = opts.keep;
	uvf->functions = functions_expected();
	uvf->sock = connection_open(&opts);
	err = uvf->sock < 0 ? uvf->sock : memory_open(uvf, &opts);
	if (err) {
		uvf__close(uvf);
		return err;
	}
	*to = uvf;
	return 0;
}

void uvf__close(struct uvf *uvf)
{
	if (!uvf)
		return;
	if (uvf->parent) {
		part_close(uvf);
		return;
	}
	for (unsigned int i = 0; i < UVF_PARTS; i++)
		uvf__close(uvf->parts[i]);
	for (unsigned int i = 0; i < UVF_DEVS; i++)
		uvf_dev__close(uvf->devs[i]);
	if (uvf->sock >= 0)
		close(uvf->sock);
	memory_close(uvf);
	free(uvf);
}

unsigned int uvf__alloc(struct uvf *uvf, struct uvf_frame *frames, unsigned int n)
{
	if (n > uvf->free_count) {
		for (unsigned int i = 0; i < UVF_DEVS; i++)
			if (uvf->devs[i])
				dev_reap(uvf->devs[i]);
		if (n > uvf->free_count)
			n = uvf->free_count;
	}
	for (unsigned int i = 0; i < n; i++) {
		uint32_t number = uvf->free[--uvf->free_count];

		uvf->place[number].from = 0;
		if (uvf->meta_rx)
			meta_wipe(uvf, number);
		place_set(&uvf->place[number], PLACE_HELD);
		frames[i] = (struct uvf_frame){ .addr = frame_addr(uvf, number) + HEADROOM };
	}
	return n;
}

void uvf__free(struct uvf *uvf, const struct uvf_frame *frames, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		frame_put(uvf, frame_number(uvf, frames[i].addr));
}

void uvf__account(struct uvf *uvf, struct uvf_account *account)
{
	*account = (struct uvf_account){ .resumed = uvf->resumed, .mapped = uvf->map_left };
	for (uint32_t i = 0; i < uvf->frames; i++) {
		switch (uvf->place[i].state) {
		case PLACE_HELD:
			account->held++;
			break;
		case PLACE_FILLING:
			account->filling++;
			break;
		case PLACE_SENDING:
			account->sending++;
			break;
		}
	}
	/* The list is the truth: a free frame that is not in it could never be used. */
	account->free = uvf->free_count;
	for (unsigned int i = 0; i < UVF_PARTS; i++)
		if (uvf->parts[i])
			account->free += uvf->parts[i]->free_count;
}

void *uvf__data(const struct uvf *uvf, const struct uvf_frame *frame)
{
	return uvf->area + frame->addr;
}

void *uvf__kept(const struct uvf *uvf)
{
	return uvf->area + uvf->size + places_size(uvf->frames);
}

uint32_t uvf__room(const struct uvf *uvf, const struct uvf_frame *frame)
{
	return (1u << uvf->frame_shift) - (frame->addr & frame_mask(uvf));
}

int uvf__redirect(struct uvf *uvf, const char *of, const char *to)
{
	struct uvf_request request = {
		.version = UVF_PROTO_VERSION,
		.type = UVF_MSG_REDIRECT,
		.redirect = { .set = 1, .flags = to ? UVF_REDIRECT_LEASED : 0 },
	};
	struct uvf_reply reply;

	if (strlen(of) >= UVF_PROTO_NAME || (to && strlen(to) >= UVF_PROTO_NAME))
		return uvf_fail(ENODEV, "'%s' or '%s' is no function's name", of, to ?: "");
	strcpy(request.function, of);
	strcpy(request.redirect.to, to ?: "");
	uvf = uvf->parent ?: uvf;
	uvf->recheck = true; /* the call may have passed over a notice */
	return uvf_proto_call_within(REDIRECT_MS, uvf->sock, &request, -1, &reply, NULL);
}
