// SPDX-License-Identifier: LGPL-2.1-only OR BSD-2-Clause
/* A session: the connection to uvfd, and the UMEM with its frames. */
#include "session.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "why.h"

/* The kernel keeps these bytes in front of each received frame (XDP_PACKET_HEADROOM). */
#define HEADROOM 256

#define FRAMES_DEFAULT 8192
#define FRAMES_MIN 64
#define FRAMES_MAX (1u << 20)
#define FRAME_SIZE_DEFAULT 2048

const char *uvf__why(void)
{
	return uvf_why();
}

static int options_read(const struct uvf_opts *opts, struct uvf_opts *to)
{
	*to = (struct uvf_opts){ .size = sizeof(*to) };
	if (opts) {
		if (opts->size != sizeof(*opts))
			return uvf_fail(EINVAL, "uvf_opts.size is %zu: set it to "
						"sizeof(struct uvf_opts)", opts->size);
		*to = *opts;
	}
	if (!to->frames)
		to->frames = FRAMES_DEFAULT;
	if (!to->frame_size)
		to->frame_size = FRAME_SIZE_DEFAULT;
	if (to->frames < FRAMES_MIN || to->frames > FRAMES_MAX)
		return uvf_fail(EINVAL, "%u frames: %u to %u are possible", to->frames, FRAMES_MIN,
				FRAMES_MAX);
	if (to->frame_size != 2048 && to->frame_size != 4096)
		return uvf_fail(EINVAL, "frames of %u bytes: 2048 or 4096 are possible",
				to->frame_size);
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

static int umem_make(struct uvf *uvf)
{
	int err;

	uvf->memfd = memfd_create("uvf-umem", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (uvf->memfd < 0 || ftruncate(uvf->memfd, uvf->size) ||
	    fcntl(uvf->memfd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW))
		goto fail;
	uvf->area = mmap(NULL, uvf->size, PROT_READ | PROT_WRITE, MAP_SHARED, uvf->memfd, 0);
	if (uvf->area != MAP_FAILED)
		return 0;
	uvf->area = NULL;
fail:
	err = errno;
	return uvf_fail(err, "can't make a UMEM of %llu bytes: %s",
			(unsigned long long)uvf->size, strerror(err));
}

static int umem_register(struct uvf *uvf)
{
	struct uvf_request request = {
		.version = UVF_PROTO_VERSION,
		.type = UVF_MSG_MEMORY,
		.memory = { .size = uvf->size, .frame_size = 1u << uvf->frame_shift },
	};
	struct uvf_reply reply;

	return uvf_proto_call(uvf->sock, &request, uvf->memfd, &reply, NULL);
}

static int frames_make(struct uvf *uvf)
{
	uvf->free = calloc(uvf->frames, sizeof(*uvf->free));
	uvf->owner = calloc(uvf->frames + 1, sizeof(*uvf->owner));
	if (!uvf->free || !uvf->owner)
		return uvf_fail(ENOMEM, "no memory for the list of %u frames", uvf->frames);
	/* Low numbers on top: a small working set stays small. */
	for (uint32_t i = 0; i < uvf->frames; i++)
		uvf->free[i] = uvf->frames - 1 - i;
	uvf->free_count = uvf->frames;
	return 0;
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
	uvf->fill_most = uvf->frames / 2 / uvf->functions;
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
	uvf->functions = functions_expected();
	uvf->sock = connection_open(&opts);
	err = uvf->sock < 0 ? uvf->sock : 0;
	if (!err)
		err = umem_make(uvf);
	if (!err)
		err = frames_make(uvf);
	if (!err)
		err = umem_register(uvf);
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
	for (unsigned int i = 0; i < UVF_DEVS; i++)
		uvf_dev__close(uvf->devs[i]);
	if (uvf->sock >= 0)
		close(uvf->sock);
	if (uvf->area)
		munmap(uvf->area, uvf->size);
	if (uvf->memfd >= 0)
		close(uvf->memfd);
	free(uvf->free);
	free(uvf->owner);
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

		uvf->owner[number] = OWNER_HELD;
		frames[i] = (struct uvf_frame){ .addr = frame_addr(uvf, number) + HEADROOM };
	}
	return n;
}

void uvf__free(struct uvf *uvf, const struct uvf_frame *frames, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		frame_put(uvf, frame_number(uvf, frames[i].addr));
}

void *uvf__data(const struct uvf *uvf, const struct uvf_frame *frame)
{
	return uvf->area + frame->addr;
}

uint32_t uvf__room(const struct uvf *uvf, const struct uvf_frame *frame)
{
	uint32_t size = 1u << uvf->frame_shift;

	return size - (frame->addr & (size - 1));
}
