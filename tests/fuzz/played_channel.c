// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's end of the channel (uapi/linux/uvf_vfio.h), and what else the process hears of the
 * world by system calls: the time, and when there is something to do.
 */
#include "played_vfio.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "nic.h"

#define SECOND 1000000000ull
#define MOMENT 1000 /* nanoseconds until something comes, while there is an input */
#define ROUNDS_MAX 65 /* without a look at what else there is: ROUNDS of loop.c */
#define QUIET (5 * SECOND / 2)
#define QUIET_ENOUGH (SECOND / 20) /* for whatever is tried again */
#define QUIET_SLEEPS 100
#define SOON (SECOND / 50) /* what waits is tried again */

struct played played;

void played_meanwhile(void)
{
	enum played_sudden sudden = played.sudden;

	if (!sudden || played.sudden_in--)
		return;
	played.sudden = SUDDEN_NOTHING;
	switch (sudden) {
	case SUDDEN_UNMAP:
		played_unmap_all();
		break;
	case SUDDEN_REMAP:
		played_map_all(true);
		break;
	case SUDDEN_OPEN:
		if (played.serving && !played.open)
			played.open = played_ask((struct uvf_vfio_request){
				.type = UVF_VFIO_RESET, .value = UVF_VFIO_RESET_OPENED });
		break;
	case SUDDEN_DEATH:
		played_dies();
		/* fall through: whatever this process does now, nobody sees it */
	default:
		played.ended = true;
	}
}

bool played_fails(enum played_failure what)
{
	int err = played.fails[what];

	played.fails[what] = 0;
	if (err)
		errno = err;
	return err;
}

/* --- requests and replies --------------------------------------------------------------------- */

bool played_ask(struct uvf_vfio_request request)
{
	if (played.queued == PLAYED_QUEUE)
		return false;
	request.id = played.next_id++;
	played.queue[played.queued++] = request;
	return true;
}

void played_channel_check(void)
{
	assert(!played.taken || played.ended);
}

void played_channel_anew(void)
{
	unsigned int n = played.taken;

	if (n > PLAYED_QUEUE - played.queued)
		n = PLAYED_QUEUE - played.queued;
	memmove(played.queue + n, played.queue, played.queued * sizeof(*played.queue));
	for (unsigned int i = 0; i < n; i++) {
		played.queue[i] = played.take[i];
		played.queue[i].flags |= UVF_VFIO_AGAIN;
	}
	played.queued += n;
	played.taken = 0;
	played.ended = false;
	played.serving = false;
	played.term = false;
	played.reads = played.tells_open = false;
	played.rounds = 0;
}

/* As many as there are, and as there is room for; then, some bytes of one that was torn. */
static ssize_t give(void *to, size_t size)
{
	unsigned int n = size / sizeof(*played.queue);
	size_t bytes;

	if (n > played.queued)
		n = played.queued;
	memcpy(played.take, played.queue, n * sizeof(*played.queue));
	played.taken = n;
	played.queued -= n;
	memmove(played.queue, played.queue + n, played.queued * sizeof(*played.queue));
	bytes = n * sizeof(*played.queue);
	memcpy(to, played.take, bytes);
	for (unsigned int i = 0; i < n; i++)
		if (played.take[i].type == UVF_VFIO_RESET &&
		    played.take[i].value != UVF_VFIO_RESET_ASKED)
			played.tells_open = played.take[i].value == UVF_VFIO_RESET_OPENED;
	if (played.torn && size - bytes > played.torn) {
		memset((uint8_t *)to + bytes, 0xff, played.torn);
		bytes += played.torn;
	}
	played.torn = 0;
	return bytes;
}

/* What comes then is the next one's. */
static bool ends(void)
{
	return played.ended || played.term;
}

ssize_t played_read(int fd, void *to, size_t size)
{
	assert(fd == FD_CHANNEL);
	played_channel_check();
	played_memory_check();
	assert(played.rounds++ < ROUNDS_MAX);
	played.reads = true;
	for (unsigned int n = played.hold + 1; n && !played.over && !ends(); n--)
		played.over = !played_step();
	played.hold = 0;
	played_meanwhile();
	if (played.ended)
		return 0;
	if (played_fails(FAILS_READ))
		return -1;
	if (played.queued || played.torn)
		return give(to, size);
	errno = EAGAIN;
	return -1;
}

static void reply_take(const struct uvf_vfio_reply *reply)
{
	unsigned int i = 0;

	while (i < played.taken && played.take[i].id != reply->id)
		i++;
	assert(i < played.taken); /* else it was not asked, or is answered */
	assert(!reply->error ||
	       (reply->error == EOPNOTSUPP &&
		(!played.take[i].type || played.take[i].type > UVF_VFIO_RESET)));
	played.taken--;
	memmove(played.take + i, played.take + i + 1,
		(played.taken - i) * sizeof(*played.take));
}

ssize_t played_write(int fd, const void *from, size_t size)
{
	const struct uvf_vfio_reply *replies = from;

	assert(fd == FD_CHANNEL && size && !(size % sizeof(*replies)));
	played_meanwhile();
	if (played.ended) {
		errno = EPIPE;
		return -1;
	}
	if (played_fails(FAILS_WRITE)) { /* it has ended, and read() will say so as well */
		played.ended = true;
		errno = EPIPE;
		return -1;
	}
	for (size_t i = 0; i < size / sizeof(*replies); i++)
		reply_take(&replies[i]);
	return size;
}

/* --- ioctl() ---------------------------------------------------------------------------------- */

static bool is_power_of_two(uint64_t n)
{
	return n && !(n & (n - 1));
}

static void layout_check(const struct uvf_vfio_layout *layout)
{
	assert(layout->size == sizeof(*layout) && !layout->flags && !layout->reserved);
	assert(layout->timeout_ms && layout->timeout_ms <= UVF_VFIO_TIMEOUT_MAX);
	assert(layout->linger_ms <= UVF_VFIO_LINGER_MAX);
	assert(layout->intx <= 1 && layout->msi <= UVF_VFIO_MSI_MAX);
	assert(layout->msix <= UVF_VFIO_MSIX_MAX);
	for (unsigned int i = 0; i <= VFIO_PCI_BAR5_REGION_INDEX; i++)
		assert(!layout->region[i].size || (is_power_of_two(layout->region[i].size) &&
						   layout->region[i].size >= 16));
	assert(layout->region[VFIO_PCI_CONFIG_REGION_INDEX].size == 256);
}

static bool is_same(const struct uvf_vfio_layout *a, const struct uvf_vfio_layout *b)
{
	return a->intx == b->intx && a->msi == b->msi && a->msix == b->msix &&
	       !memcmp(a->region, b->region, sizeof(a->region));
}

static int serve(const struct uvf_vfio_layout *layout)
{
	layout_check(layout);
	if (played.open && (played.serving || !is_same(layout, &played.layout)))
		return EBUSY;
	played.layout = *layout;
	played.serving = true;
	played.tells_open = false; /* as another one, nobody has it */
	return 0;
}

static int raise_vector(const struct uvf_vfio_irq *irq)
{
	const uint32_t vectors[] = { played.layout.intx, played.layout.msi, played.layout.msix };

	assert(irq->size == sizeof(*irq) && irq->index <= VFIO_PCI_MSIX_IRQ_INDEX);
	if (irq->vector < vectors[irq->index]) {
		if (irq->index == VFIO_PCI_INTX_IRQ_INDEX)
			played.line = irq->level;
		return 0;
	}
	assert(!irq->level); /* one that another device had may be taken back */
	return EINVAL;
}

static int state_tell(struct uvf_vfio_state *state)
{
	assert(state->size == sizeof(*state) && !state->flags);
	*state = played.state;
	if (!played.reads)
		played.tells_open = played.open;
	state->size = sizeof(*state);
	state->flags = (played.state.flags & ~UVF_VFIO_STATE_OPEN) |
		       (played.open ? UVF_VFIO_STATE_OPEN : 0);
	return 0;
}

static int probe(struct uvf_vfio_probe *probe)
{
	uint64_t lie = played.probe_lies;

	assert(probe->size == sizeof(*probe) && !(probe->flags & ~UVF_VFIO_PROBE_WRITE));
	assert(probe->length && probe->length <= UVF_VFIO_DMA_MAX);
	played.probe_lies = 0;
	if (lie) {
		played.lied = true;
		probe->length = lie - 1;
		return 0;
	}
	probe->length = played_mapped(probe->address, probe->length,
				      probe->flags & UVF_VFIO_PROBE_WRITE);
	return probe->length ? 0 : EFAULT;
}

static int control(unsigned long what, void *argument)
{
	switch (what) {
	case UVF_VFIO_SERVE:
		return played_fails(FAILS_SERVE) ? errno : serve(argument);
	case UVF_VFIO_GET_STATE:
		return played_fails(FAILS_STATE) ? errno : state_tell(argument);
	case UVF_VFIO_IRQ:
		played.line_lost = played_fails(FAILS_IRQ);
		return played.line_lost ? errno : raise_vector(argument);
	}
	assert(what == UVF_VFIO_DMA_PROBE);
	return played_fails(FAILS_PROBE) ? errno : probe(argument);
}

int played_ioctl(int fd, unsigned long what, ...)
{
	va_list args;
	int err;

	va_start(args, what);
	assert(fd == FD_CHANNEL);
	played_meanwhile();
	err = played.ended ? EPIPE : control(what, va_arg(args, void *));
	va_end(args);
	if (err)
		errno = err;
	return err ? -1 : 0;
}

/* --- time, and sleep -------------------------------------------------------------------------- */

int played_clock_gettime(clockid_t clock, struct timespec *t)
{
	assert(clock == CLOCK_MONOTONIC);
	played_meanwhile();
	t->tv_sec = played.now / SECOND;
	t->tv_nsec = played.now % SECOND;
	return 0;
}

/* When nothing comes, what could be done has been done; unless the guest never runs out of it. */
static void quiet_check(void)
{
	assert(!front.tx_count);
	assert(front.rx_next == front.rx_count && !played.frames);
	assert(!front.next || front.open || played.open);
}

/* The kernel keeps the level of a predecessor, and of the card before, for whoever listens. */
static void line_check(void)
{
	assert(played.line_lost || played.ended ||
	       played.line == front.nic->state->vectors.intx);
}

/* True: the process has had its time, and ends. */
static bool sleep_over(uint64_t ns)
{
	uint64_t past;

	if (!played.over) {
		played.now += ns < MOMENT ? ns : MOMENT;
		return played.term;
	}
	if (!played.quiet++) {
		played.quiet_since = played.now;
		played.tx_room = played.alloc_room = UINT32_MAX;
	}
	if (!ns) /* a guest that never has enough is not worth many looks */
		played.quiet += QUIET_SLEEPS / 2;
	past = played.now - played.quiet_since;
	played.now += ns;
	if (past < QUIET && played.quiet < QUIET_SLEEPS && !played.term)
		return false;
	if (ns && past > QUIET_ENOUGH)
		quiet_check();
	return true;
}

int played_ppoll(struct pollfd *watch, nfds_t n, const struct timespec *timeout,
		 const sigset_t *mask)
{
	uint64_t ns = timeout->tv_sec * SECOND + timeout->tv_nsec;
	int ready = 0;

	assert(n == 4 && ns <= SECOND && mask);
	assert(watch[0].fd == FD_CHANNEL && watch[2].fd == FD_CARRIER);
	assert(watch[1].fd == (front.rx_next < front.rx_count ? -1 : FD_FRAMES));
	assert(ns <= SOON || !(front.tx_count || front.rx_next < front.rx_count));
	assert(front.open == played.tells_open);
	played.rounds = 0;
	played_channel_check();
	played_memory_check();
	played_session_check();
	played_counters_check();
	line_check();
	for (nfds_t i = 0; i < n; i++) {
		watch[i].revents = 0;
		if ((watch[i].fd == FD_CARRIER && played.links) ||
		    (watch[i].fd == FD_LISTENER && played.connects) ||
		    (watch[i].fd == FD_CHANNEL && played.queued))
			watch[i].revents = POLLIN;
		ready += !!watch[i].revents;
	}
	if (sleep_over(ready ? 0 : ns)) {
		front.stop = true; /* what SIGTERM comes to */
		errno = EINTR;
		return -1;
	}
	return ready;
}

/* SIGTERM and SIGINT are the fuzzer's own. SIGBUS is caught as it is. */
int played_sigaction(int number, const struct sigaction *action, struct sigaction *before)
{
	return number == SIGBUS ? sigaction(number, action, before) : 0;
}

int played_sigprocmask(int how, const sigset_t *set, sigset_t *before)
{
	return 0;
}
