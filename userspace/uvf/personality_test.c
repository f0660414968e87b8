// SPDX-License-Identifier: GPL-2.0-only
/*
 * uvf personality test: a NIC in a world of its own, and a script of what a guest and the wire do
 * to it. A line is a step; uvf-personality(5) has the language. The first step that is not as
 * expected ends it, with the line.
 */
#include "personality_test.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../nic/nic.h"
#include "personality.h"
#include "why.h"

#define LINE_SIZE 16384

static const uint8_t test_mac[NIC_MAC] = { 0x02, 0x00, 0x00, 0x00, 0x00, 0x01 };

/* --- words ------------------------------------------------------------------------------------ */

int test_number(const char *word, uint64_t *value)
{
	char *end;

	*value = 0;
	if (!word)
		return uvf_fail(EINVAL, "a number is missing");
	errno = 0;
	*value = strtoull(word, &end, 0);
	if (end == word || *end || errno || *word == '-')
		return uvf_fail(EINVAL, "'%s' is not a number", word);
	return 0;
}

static int split(char *line, char **words)
{
	int n = 0;

	for (char *word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n")) {
		if (*word == '#')
			break;
		if (n == TEST_WORDS)
			return uvf_fail(EINVAL, "more than %d words", TEST_WORDS);
		words[n++] = word;
	}
	return n;
}

static int nibble(char digit)
{
	return isdigit((unsigned char)digit) ? digit - '0' : tolower(digit) - 'a' + 10;
}

/* "0102*60": these bytes, and zeroes up to 60 */
int test_bytes(const char *word, uint8_t *to, uint32_t size, uint32_t *len)
{
	uint64_t all = 0;

	*len = 0;
	for (; word && isxdigit((unsigned char)word[0]) && isxdigit((unsigned char)word[1]);
	     word += 2) {
		if (*len == size)
			return uvf_fail(EINVAL, "more than %u bytes", size);
		to[(*len)++] = nibble(word[0]) << 4 | nibble(word[1]);
	}
	if (!word || (*word && *word != '*'))
		return uvf_fail(EINVAL, "bytes are two hexadecimal digits each");
	if (!*word)
		return 0;
	if (test_number(word + 1, &all) || all > size || all < *len)
		return uvf_fail(EINVAL, "'%s' is not a number of bytes, %u at most", word + 1, size);
	memset(to + *len, 0, all - *len);
	*len = all;
	return 0;
}

/* --- registers -------------------------------------------------------------------------------- */

struct place {
	unsigned int bar, width;
	uint64_t offset;
};

static int in_bars(const struct model *model, const struct model_register *reg, struct place *place)
{
	for (unsigned int i = 0; i < MODEL_BARS; i++)
		for (unsigned int k = 0; k < model->pci.bar[i].maps; k++)
			if (model->pci.bar[i].map[k].space == reg->space) {
				place->bar = i;
				place->offset += model->pci.bar[i].map[k].at;
				return 0;
			}
	return uvf_fail(EINVAL, "register %s is in no BAR", reg->name);
}

/* "NAME" or "NAME[3]": where the guest finds it */
static int register_find(const struct model *model, const char *word, struct place *place)
{
	const struct model_register *reg;
	uint64_t index = 0;
	char name[64];
	int number;

	if (!word)
		return uvf_fail(EINVAL, "which register?");
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word, "["), word);
	number = model_find_register(model, name);
	if (number < 0)
		return uvf_fail(EINVAL, "there is no register %s", name);
	reg = &model->reg[number];
	if (strchr(word, '['))
		index = strtoull(strchr(word, '[') + 1, NULL, 0);
	if (index >= reg->count)
		return uvf_fail(EINVAL, "register %s has no element %" PRIu64, name, index);
	place->offset = reg->at + index * reg->stride;
	place->width = reg->width;
	return in_bars(model, reg, place);
}

static int value_expect(uint64_t value, const char *what, const char *expected, const char *mask)
{
	uint64_t wanted, bits = UINT64_MAX;

	if (test_number(expected, &wanted) || (mask && test_number(mask, &bits)))
		return -EINVAL;
	if ((value & bits) == wanted)
		return 0;
	return uvf_fail(EPROTO, "%s is %#" PRIx64 "%s, and %#" PRIx64 " was expected", what,
			value & bits, mask ? " (masked)" : "", wanted);
}

static int step_write(struct test_run *run, int n, char **words)
{
	struct place place = { 0 };
	uint64_t value;

	if (register_find(run->nic->model, words[1], &place) || test_number(words[2], &value))
		return -EINVAL;
	nic_bar(run->nic, place.bar, place.offset, place.width, true, &value);
	return 0;
}

static int step_read(struct test_run *run, int n, char **words)
{
	struct place place = { 0 };
	uint64_t value;

	if (register_find(run->nic->model, words[1], &place))
		return -EINVAL;
	nic_bar(run->nic, place.bar, place.offset, place.width, false, &value);
	printf("%s %#" PRIx64 "\n", words[1], value);
	return 0;
}

static int step_expect(struct test_run *run, int n, char **words)
{
	struct place place = { 0 };
	uint64_t value;

	if (register_find(run->nic->model, words[1], &place))
		return -EINVAL;
	nic_bar(run->nic, place.bar, place.offset, place.width, false, &value);
	run->expected++;
	return value_expect(value, words[1], words[2], words[3]);
}

/* config read|write|expect OFFSET WIDTH [VALUE [MASK]], and bar BAR likewise */
static int step_raw(struct test_run *run, int bar, char **words)
{
	uint64_t offset, width, value = 0;
	bool write;

	if (!words[0] || test_number(words[1], &offset) || test_number(words[2], &width))
		return uvf_fail(EINVAL, "read, write or expect, an offset, and a width");
	write = !strcmp(words[0], "write");
	if (write && test_number(words[3], &value))
		return -EINVAL;
	if (bar < 0)
		nic_config(run->nic, offset, width, write, &value);
	else
		nic_bar(run->nic, bar, offset, width, write, &value);
	if (!strcmp(words[0], "expect")) {
		run->expected++;
		return value_expect(value, bar < 0 ? "config space" : "it", words[3], words[4]);
	}
	if (!write)
		printf("%#" PRIx64 ": %#" PRIx64 "\n", offset, value);
	return 0;
}

static int step_config(struct test_run *run, int n, char **words)
{
	return step_raw(run, -1, words + 1);
}

static int step_bar(struct test_run *run, int n, char **words)
{
	uint64_t bar;

	return test_number(words[1], &bar) ? -EINVAL : step_raw(run, bar & 7, words + 2);
}

/* --- the device ------------------------------------------------------------------------------- */

static int step_load(struct test_run *run, int n, char **words)
{
	return words[1] ? nic_load(run->nic, words[1]) : uvf_fail(EINVAL, "which personality?");
}

static int step_reset(struct test_run *run, int n, char **words)
{
	nic_reset(run->nic);
	return 0;
}

static int step_link(struct test_run *run, int n, char **words)
{
	if (!words[1] || (strcmp(words[1], "up") && strcmp(words[1], "down")))
		return uvf_fail(EINVAL, "link up, or link down");
	nic_link(run->nic, !strcmp(words[1], "up"));
	return 0;
}

static int step_time(struct test_run *run, int n, char **words)
{
	uint64_t nanoseconds;

	if (test_number(words[1], &nanoseconds))
		return -EINVAL;
	run->world.now += nanoseconds;
	nic_tick(run->nic);
	return 0;
}

static int step_poll(struct test_run *run, int n, char **words)
{
	for (int i = 0; i < 1000 && nic_poll(run->nic); i++)
		;
	return 0;
}

/* --- lines ------------------------------------------------------------------------------------ */

static const struct {
	const char *name;
	int (*step)(struct test_run *run, int n, char **words);
} steps[] = {
	{ "write", step_write }, { "read", step_read }, { "expect", step_expect },
	{ "config", step_config }, { "bar", step_bar }, { "frame", test_frame },
	{ "irq", test_irq }, { "dma", test_dma }, { "load", step_load }, { "reset", step_reset },
	{ "link", step_link }, { "time", step_time }, { "poll", step_poll },
};

static int step(struct test_run *run, char *line)
{
	char *words[TEST_WORDS + 3] = { NULL };
	int n = split(line, words);

	if (n <= 0)
		return n;
	run->steps++;
	for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (!strcmp(words[0], steps[i].name))
			return steps[i].step(run, n, words);
	return uvf_fail(EINVAL, "'%s' is no step: write, read, expect, config, bar, frame, irq, dma, "
			"load, reset, link, time or poll", words[0]);
}

static int run_script(struct test_run *run, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	static char line[LINE_SIZE];
	int number = 0, err = 0;

	if (!file) {
		uvf_fail(errno, "%s can't be read: %s", path, strerror(errno));
		return fail();
	}
	while (!err && fgets(line, sizeof(line), file)) {
		number++;
		err = step(run, line);
	}
	if (file != stdin)
		fclose(file);
	if (err)
		fprintf(stderr, "%s:%d: %s\n", path, number, uvf_why());
	return err ? 1 : 0;
}

int personality_test(int argc, char **argv)
{
	struct personality_query query = { 0 };
	static struct test_run run;
	int status = 1;

	personality_parse(&query, argc, argv, "PERSONALITY SCRIPT", "Runs a personality against a "
			  "script of register accesses, frames, interrupts and guest memory. `-` reads "
			  "standard input.", 2, 2);
	if (world_open(&run.world) || nic_open(&run.nic, &run.world.ops, &run.world, test_mac) ||
	    nic_load(run.nic, query.names[0])) {
		fail();
	} else {
		status = run_script(&run, query.names[1]);
		if (run.world.says)
			fprintf(stderr, "the NIC said: %s\n", run.world.said);
		if (!status)
			printf("%u steps, %u expectations, all as expected\n", run.steps,
			       run.expected);
	}
	nic_close(run.nic);
	world_close(&run.world);
	return status;
}
