/* SPDX-License-Identifier: GPL-2.0-only */
/* uvf personality test: what its steps share. */
#ifndef UVF_PERSONALITY_TEST_H
#define UVF_PERSONALITY_TEST_H

#include "../nic/world.h"

#define TEST_WORDS 8

struct test_run {
	struct world world;
	struct nic *nic;
	unsigned int steps, expected;
};

/* 0, or -EINVAL with a sentence; @word may be NULL. */
int test_number(const char *word, uint64_t *value);
int test_bytes(const char *word, uint8_t *to, uint32_t size, uint32_t *len);

/* Steps, in personality_wire.c: frames, interrupts, guest memory. */
int test_frame(struct test_run *run, int n, char **words);
int test_irq(struct test_run *run, int n, char **words);
int test_dma(struct test_run *run, int n, char **words);

#endif /* UVF_PERSONALITY_TEST_H */
