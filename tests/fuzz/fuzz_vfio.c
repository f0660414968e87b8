// SPDX-License-Identifier: GPL-2.0-only
/*
 * The interface process of a VFIO device, as it is put together (userspace/vfio), with all that it
 * hears from outside: what the user of the device asks and what the kernel answers on the channel,
 * memory that goes away under it, frames, the link, the operator, the state that a predecessor has
 * left. An input is which personality it begins with, and steps; the first twelve kinds are those
 * of fuzz_nic.
 *
 * A process ends by SIGTERM, when the channel ends, or is killed at any call; then another one goes
 * on with what it has left. The parts that are played (played_*.c) say what must hold meanwhile:
 * each request has one reply, each frame is held once or given back, a NIC that was made is closed,
 * pages that were taken away are noticed; and the process comes to rest when nothing comes.
 */
#include "played_vfio.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/vfio.h>

#include <sanitizer/asan_interface.h>

#include "input.h"
#include "nic.h"

#define STEPS 1024 /* of an input */
#define LIVES 4

static const char *const personalities[] = { "e1000", "rtl8139", "tiny", "virtio-net" };
static const int errnos[] = { EIO, EINVAL, EPIPE, EINTR, ENOMEM, EBUSY, ENXIO, EAGAIN };

struct front front;
static struct front_vfio counters;
static struct input input;
static unsigned int steps;
static uint8_t kept[KEPT] __attribute__((aligned(64)));
static uint8_t left[KEPT]; /* by one that has died */
static bool is_left;
static unsigned int was; /* the personality of the last one */

void front_say(const struct front *of, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	assert(of == &front && vsnprintf(text, sizeof(text), format, args) > 0);
	va_end(args);
}

void played_dies(void)
{
	if (!is_left)
		memcpy(left, kept, sizeof(left));
	is_left = true;
	played_memory_dies();
}

/* --- what the user does ----------------------------------------------------------------------- */

static uint32_t take_number(unsigned int width)
{
	uint32_t number = 0;

	take(&input, &number, width);
	return number;
}

static void ask(bool write, uint32_t region, uint64_t offset, uint32_t width, uint64_t value)
{
	played_ask((struct uvf_vfio_request){
		.type = write ? UVF_VFIO_WRITE : UVF_VFIO_READ,
		.region = region,
		.width = width,
		.offset = offset,
		.value = value,
	});
}

static void ask_register(bool write)
{
	const struct model *model = front.nic->model;
	unsigned int i = take_number(1), k = take_number(1);
	uint64_t value = take_number(4);
	const struct model_register *reg;

	if (!model->registers)
		return;
	reg = &model->reg[i % model->registers];
	for (unsigned int bar = 0; bar < MODEL_BARS; bar++) {
		for (unsigned int m = 0; m < model->pci.bar[bar].maps; m++) {
			const struct model_map *map = &model->pci.bar[bar].map[m];

			if (map->space != reg->space)
				continue;
			ask(write, bar, map->at + reg->at + k % reg->count * reg->stride,
			    reg->width, value);
			return;
		}
	}
}

static void ask_bar(void)
{
	unsigned int bar = take_number(1), width = take_number(1);
	uint32_t offset = take_number(4), value = take_number(4);

	ask(width & 4, bar & 7, bar & 0x80 ? offset : offset & 0x3fff, 1u << (width & 3), value);
}

static void ask_config(void)
{
	unsigned int offset = take_number(1), width = take_number(1);
	uint32_t value = take_number(4);

	ask(width & 4, VFIO_PCI_CONFIG_REGION_INDEX, offset, 1u << (width & 3), value);
}

/* What no kernel asks, or one that knows more. */
static void ask_anything(void)
{
	struct uvf_vfio_request request = {
		.type = take_number(1),
		.flags = take_number(1),
		.region = take_number(1),
		.width = take_number(1),
	};
	uint32_t high = take_number(1);

	request.offset = (uint64_t)(high & 0x80 ? high : 0) << 32 | take_number(4);
	request.value = (uint64_t)take_number(4) << 32 | take_number(4);
	played_ask(request);
}

/* In order; a user who lets go takes his memory with him. */
static void user_comes_or_goes(void)
{
	if (!played.serving)
		return;
	played.open = !played.open;
	if (played.open)
		played_map_all(false);
	else
		played_unmap_all();
	played_ask((struct uvf_vfio_request){
		.type = UVF_VFIO_RESET,
		.value = played.open ? UVF_VFIO_RESET_OPENED : UVF_VFIO_RESET_CLOSED });
}

static void write_memory(void)
{
	const uint32_t size = RAM_PAGES * 4096;
	uint32_t at = take_number(3) % (size - 256), n = take_number(1);

	take(&input, played_ram() + (at & 0x80 ? at : at & 0xfff), n);
}

static void memory_comes(void)
{
	uint64_t page = played_page(take_number(2));
	unsigned int count = take_number(1), ram = take_number(1), how = take_number(1);

	played_map(page, ram, count % 64 + 1, how & 1);
}

static void memory_goes(void)
{
	uint64_t page = played_page(take_number(2));

	played_unmap(page, take_number(1) % 64 + 1);
}

/* --- what else comes -------------------------------------------------------------------------- */

static void frames_come(unsigned int n)
{
	uint32_t len = take_number(2);

	take(&input, played.frame_bytes, sizeof(played.frame_bytes));
	played.frame_len = (len & 0x7000 ? len & 0x7ff : len) % 1793;
	played.frames += n;
}

static void link_changes(bool up)
{
	if (played.links < sizeof(played.link) / sizeof(played.link[0]))
		played.link[played.links++] = up;
}

static void operator_names(unsigned int what)
{
	struct front_control_request *request = &played.message.request;

	if (what < 4) {
		strcpy(request->personality, personalities[what]);
	} else if (what == 4) {
		strcpy(request->personality, "/nowhere/nothing.xml");
	} else if (what == 5) {
		memset(request->personality, 'a', sizeof(request->personality));
	} else {
		take(&input, request->personality, what & 15);
		for (unsigned int i = 0; i < 15; i++) /* no file of the fuzzer's machine */
			if (request->personality[i] == '/' || request->personality[i] == '.')
				request->personality[i] = '-';
	}
}

static void operator_speaks(void)
{
	unsigned int how = take_number(1), name = take_number(1);

	memset(&played.message, 0, sizeof(played.message));
	played.connects = true;
	played.leaves = how & 1;
	played.message.request.magic = FRONT_CONTROL_MAGIC ^ (how == 0xfe);
	played.message.request.reserved = how == 0xfc;
	played.said = how < 0xe0 ? (int)sizeof(played.message.request) :
		      how < 0xe8 ? (int)sizeof(played.message) :
		      how < 0xf0 ? (int)take_number(2) % (int)sizeof(played.message) :
		      how < 0xf8 ? -1 : (int)sizeof(played.message.request);
	operator_names(name & 0x80 ? 4 + name % 64 : name % 4);
}

static void something_fails(void)
{
	unsigned int what = take_number(1) % FAILURES;

	played.fails[what] = errnos[take_number(1) % (sizeof(errnos) / sizeof(errnos[0]))];
}

static void something_sudden(void)
{
	played.sudden_in = take_number(1);
	played.sudden = take_number(1) % SUDDENS;
}

/* --- steps ------------------------------------------------------------------------------------ */

static void step_rare(unsigned int kind)
{
	switch (kind) {
	case 24:
		played.tx_room = take_number(1);
		break;
	case 25:
		played.alloc_room = take_number(1);
		break;
	case 26:
		played.tx_room = played.alloc_room = UINT32_MAX;
		break;
	case 27:
		something_fails();
		break;
	case 28:
		something_sudden();
		break;
	case 29:
		played.term = true;
		break;
	case 30:
		played.ended = true;
		break;
	default:
		played.torn = take_number(1) % sizeof(struct uvf_vfio_request);
		played.probe_lies = take_number(3);
		take(&input, &played.state, sizeof(played.state));
	}
}

static void step_more(unsigned int kind)
{
	switch (kind) {
	case 12:
		ask_anything();
		break;
	case 13:
		played_ask((struct uvf_vfio_request){ .type = UVF_VFIO_RESET,
						      .value = take_number(1) & 7 });
		break;
	case 14:
	case 15:
		user_comes_or_goes();
		break;
	case 16:
	case 17:
		played.hold += take_number(1) % 32;
		break;
	case 18:
		memory_comes();
		break;
	case 19:
	case 20:
		memory_goes();
		break;
	case 21:
		frames_come(take_number(1));
		break;
	case 22:
	case 23:
		operator_speaks();
		break;
	default:
		step_rare(kind);
	}
}

static void step_nic(unsigned int kind)
{
	switch (kind) {
	case 0:
	case 1:
	case 2:
		ask_register(true);
		break;
	case 3:
		ask_register(false);
		break;
	case 4:
		ask_bar();
		break;
	case 5:
		ask_config();
		break;
	case 6:
	case 7:
		write_memory();
		break;
	case 8:
		frames_come(1);
		break;
	case 9:
		played.now += take_number(4);
		break;
	case 10:
		played.tx_room = take_number(1) & 1 ? 0 : UINT32_MAX;
		break;
	default:
		link_changes(take_number(1) & 1);
	}
}

bool played_step(void)
{
	unsigned int kind = take_number(1) % 32;

	if (!input.size || !steps)
		return false;
	steps--;
	if (kind < 12)
		step_nic(kind);
	else
		step_more(kind);
	return true;
}

/* --- lives ------------------------------------------------------------------------------------ */

/* As main.c begins. */
static int begin(const char *personality)
{
	memset(&front, 0, sizeof(front));
	memset(&counters, 0, sizeof(counters));
	front.channel = FD_CHANNEL;
	front.listener = FD_LISTENER;
	front.counters = &counters;
	front.kept = kept;
	counters.size = sizeof(counters);
	strcpy(counters.function, "fw0");
	strcpy(counters.pci, "10000:00:00.0");
	return frames_open(&front) ?: device_open(&front, personality) ?: memory_open(&front) ?:
	       device_go_on(&front) ?: loop_open(&front);
}

/* What one leaves that has a user; an exit gives back all else that it had. */
static void live(const char *personality)
{
	is_left = false;
	if (!begin(personality)) {
		loop_run(&front);
		played_session_check();
		assert(counters.open == front.open);
		for (was = 0; was < 3 && strcmp(personalities[was], counters.personality) != 0;)
			was++;
	}
	if (front.open || !front.nic)
		played_dies();
	loop_close(&front);
	device_close(&front);
	memory_close(&front);
	frames_close(&front);
	played_operator_check();
	played_nics_check();
	played_session_ended();
	played_memory_ended();
	if (is_left)
		memcpy(kept, left, sizeof(kept));
}

/* Somebody has written to what was left. */
static void spoil(void)
{
	for (unsigned int n = take_number(1) % 32; n; n--) {
		uint32_t at = take_number(3);

		take(&input, kept + (at & 0x80 ? at % (sizeof(kept) - 8) : at % 4096), 8);
	}
}

static void play(void)
{
	static const struct played nothing;

	played = nothing;
	played.now = 1000000000;
	played.tx_room = played.alloc_room = UINT32_MAX;
	played.next_id = 0xfffffff0;
	memset(kept, 0, sizeof(kept));
	played_memory_begin();
}

/* Scripts' memory grows and shrinks, which is no leak; else it is counted (played_heap()). */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	setenv("UVF_PERSONALITIES", "build/personalities:tests/nic", 0);
	played_memory_open();
	return 0;
}

/* False: the heap is not what it was. */
static bool run(const uint8_t *data, size_t size)
{
	size_t before, after;
	unsigned int which;

	input = (struct input){ data, size };
	steps = STEPS;
	played_heap(&before);
	play();
	which = was = take_number(1);
	played.open = which & 4; /* with an earlier one that has left nothing */
	for (unsigned int lives = 0; lives < LIVES && (!lives || input.size); lives++) {
		live(personalities[which % 4]);
		played_channel_anew();
		if (take_number(1) >= 0xc0)
			spoil();
		which = take_number(1); /* seldom another one than it was */
		which = which >= 0xe0 ? which : was;
	}
	return !played_heap(&after) || after == before;
}

/* What was allocated for once, such as the variables of a thread in an object, is no leak. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	assert(run(data, size) || run(data, size));
	return 0;
}
