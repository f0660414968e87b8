// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupt causes, as a NIC has them in registers: what is set and not masked interrupts, by the
 * line for as long as it is, by a message each time something new is. Not more often than the
 * throttle register allows.
 */
#include "nic.h"

static uint64_t pending_of(const struct nic *nic)
{
	const struct model_irq *irq = &nic->model->irq;
	uint64_t mask = irq->mask.reg < 0 ? UINT64_MAX : register_get(nic, irq->mask);

	return register_get(nic, irq->cause) & mask;
}

static void messages_fire(struct nic *nic, uint64_t fresh)
{
	const struct model_irq *irq = &nic->model->irq;
	uint64_t fired = 0;

	for (unsigned int i = 0; i < irq->causes; i++) {
		const struct model_cause *cause = &irq->each[i];

		if (!(cause->bits & fresh) || fired >> cause->vector & 1)
			continue;
		fired |= 1ULL << cause->vector;
		vector_fire(nic, cause->vector);
	}
	if (!fired)
		vector_fire(nic, 0);
}

/* How long no other interrupt may follow. */
static uint64_t interval_of(const struct nic *nic)
{
	const struct model_irq *irq = &nic->model->irq;

	if (irq->throttle.reg < 0)
		return 0;
	return (register_get(nic, irq->throttle) & irq->throttle_mask) * irq->throttle_unit;
}

static bool must_wait(struct nic *nic)
{
	uint64_t interval = interval_of(nic), now;

	if (!interval)
		return false;
	now = nic->ops->now(nic->ctx);
	if (now < nic->state->throttled_until) {
		nic->counters.throttled += !nic->state->deferred;
		nic->state->deferred = true;
		return true;
	}
	nic->state->throttled_until = now + interval;
	return false;
}

void causes_update(struct nic *nic)
{
	uint64_t pending, fresh;

	if (!nic->model || nic->model->irq.cause.reg < 0)
		return;
	pending = pending_of(nic);
	fresh = pending & ~nic->state->asserted;
	nic->state->asserted &= pending;
	if (nic->state->asserted && nic->model->irq.one_message && vectors_are_messages(nic))
		fresh = 0;
	if (fresh && must_wait(nic)) {
		vector_line(nic, nic->state->asserted);
		return;
	}
	nic->state->deferred = false;
	nic->state->asserted = pending;
	if (fresh && vectors_are_messages(nic))
		messages_fire(nic, fresh);
	vector_line(nic, pending);
}

void cause_raise(struct nic *nic, uint64_t bits)
{
	const struct model_irq *irq = &nic->model->irq;

	if (!bits || irq->cause.reg < 0)
		return;
	register_set(nic, irq->cause, register_get(nic, irq->cause) | bits);
	causes_update(nic);
}

void causes_tick(struct nic *nic)
{
	if (nic->state->deferred && nic->ops->now(nic->ctx) >= nic->state->throttled_until)
		causes_update(nic);
}
