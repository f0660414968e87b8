// SPDX-License-Identifier: GPL-2.0-only
/* uvf personality test: frames, interrupts, and guest memory. */
#include "personality_test.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "why.h"

/* --- frames ----------------------------------------------------------------------------------- */

/* frame in BYTES [taken|dropped|full|off] */
static int frame_in(struct test_run *run, char **words)
{
	static const char *const verdicts[] = { "taken", "dropped", "full", "off" };
	static uint8_t frame[WORLD_ROOM];
	enum nic_taken taken;
	uint32_t len;

	if (test_bytes(words[2], frame, sizeof(frame), &len))
		return -EINVAL;
	taken = nic_receive(run->nic, frame, len);
	if (!words[3])
		return 0;
	run->expected++;
	return strcmp(words[3], verdicts[taken]) ?
	       uvf_fail(EPROTO, "the frame was %s, and %s was expected", verdicts[taken], words[3]) : 0;
}

/* frame out BYTES|none: the next that the NIC sent */
static int frame_out(struct test_run *run, char **words)
{
	const struct world_frame *frame = world_frame(&run->world);
	static uint8_t expected[WORLD_ROOM];
	uint32_t len;

	run->expected++;
	if (words[2] && !strcmp(words[2], "none"))
		return frame ? uvf_fail(EPROTO, "a frame of %u bytes went out", frame->len) : 0;
	if (test_bytes(words[2], expected, sizeof(expected), &len))
		return -EINVAL;
	if (!frame)
		return uvf_fail(EPROTO, "no frame went out");
	if (frame->len != len)
		return uvf_fail(EPROTO, "a frame of %u bytes went out, and one of %u was expected",
				frame->len, len);
	for (uint32_t i = 0; i < len; i++)
		if (frame->bytes[i] != expected[i])
			return uvf_fail(EPROTO, "byte %u of the frame that went out is %02x, and %02x "
					"was expected", i, frame->bytes[i], expected[i]);
	return 0;
}

int test_frame(struct test_run *run, int n, char **words)
{
	if (words[1] && !strcmp(words[1], "in"))
		return frame_in(run, words);
	if (words[1] && !strcmp(words[1], "out"))
		return frame_out(run, words);
	if (words[1] && !strcmp(words[1], "full")) {
		nic_overrun(run->nic);
		return 0;
	}
	if (words[1] && (!strcmp(words[1], "block") || !strcmp(words[1], "unblock"))) {
		run->world.full = *words[1] == 'b';
		return 0;
	}
	return uvf_fail(EINVAL, "frame in, out, full, block or unblock");
}

/* --- interrupts ------------------------------------------------------------------------------- */

/* irq line on|off; irq message VECTOR COUNT: how often it fired since it was asked last */
int test_irq(struct test_run *run, int n, char **words)
{
	uint64_t vector, count;
	unsigned int fired;

	run->expected++;
	if (n == 3 && !strcmp(words[1], "line")) {
		if (run->world.line == !strcmp(words[2], "on"))
			return 0;
		return uvf_fail(EPROTO, "the line is %s", run->world.line ? "on" : "off");
	}
	if (n != 4 || strcmp(words[1], "message"))
		return uvf_fail(EINVAL, "irq line on, irq line off, or irq message VECTOR COUNT");
	if (test_number(words[2], &vector) || test_number(words[3], &count))
		return -EINVAL;
	if (vector >= WORLD_VECTORS)
		return uvf_fail(EINVAL, "vector %" PRIu64 ": there are %d", vector, WORLD_VECTORS);
	fired = run->world.fired[vector];
	run->world.fired[vector] = 0;
	return fired == count ? 0 : uvf_fail(EPROTO, "vector %" PRIu64 " fired %u times, and %" PRIu64
					     " were expected", vector, fired, count);
}

/* --- guest memory ----------------------------------------------------------------------------- */

static int dma_expect(struct test_run *run, const uint8_t *at, const char *word)
{
	static uint8_t expected[WORLD_ROOM];
	uint32_t len;

	if (test_bytes(word, expected, sizeof(expected), &len))
		return -EINVAL;
	run->expected++;
	for (uint32_t i = 0; i < len; i++)
		if (at[i] != expected[i])
			return uvf_fail(EPROTO, "byte %u there is %02x, and %02x was expected", i,
					at[i], expected[i]);
	return 0;
}

/* dma write ADDRESS BYTES; dma expect ADDRESS BYTES; dma read ADDRESS LENGTH */
int test_dma(struct test_run *run, int n, char **words)
{
	uint64_t address, len = WORLD_ROOM;
	uint32_t written;
	uint8_t *at;

	if (n != 4 || test_number(words[2], &address))
		return uvf_fail(EINVAL, "dma write ADDRESS BYTES, dma expect ADDRESS BYTES, or dma read "
				"ADDRESS LENGTH");
	at = world_at(&run->world, address, len);
	if (!at)
		return uvf_fail(EINVAL, "guest memory is from %#x to %#x", WORLD_MEMORY,
				WORLD_MEMORY + WORLD_SIZE - WORLD_ROOM);
	if (!strcmp(words[1], "write"))
		return test_bytes(words[3], at, len, &written);
	if (!strcmp(words[1], "expect"))
		return dma_expect(run, at, words[3]);
	if (strcmp(words[1], "read") || test_number(words[3], &len) || len > WORLD_ROOM)
		return uvf_fail(EINVAL, "dma write, expect or read, of %d bytes at most", WORLD_ROOM);
	for (uint64_t i = 0; i < len; i++)
		printf("%02x%s", at[i], i % 32 == 31 || i + 1 == len ? "\n" : "");
	return 0;
}
