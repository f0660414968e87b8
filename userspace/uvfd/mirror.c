// SPDX-License-Identifier: GPL-2.0-only
/* Mirrors: whose frames are copied to whom. */
#include "uvfd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "steer.h"
#include "why.h"

/* The map that XDP broadcasts to, in the map of such maps, which holds it. */
static int both_write(const struct steer *steer, uint32_t slot, int port, int to)
{
	int both = bpf_map_create(BPF_MAP_TYPE_DEVMAP, "both", sizeof(uint32_t), sizeof(uint32_t),
				  UVF_MIRROR_PORTS, NULL);
	uint32_t ports[UVF_MIRROR_PORTS] = { port, to };
	int err = both < 0 ? both : 0;

	for (uint32_t i = 0; !err && i < UVF_MIRROR_PORTS; i++)
		err = bpf_map_update_elem(both, &i, &ports[i], BPF_ANY);
	if (!err)
		err = steer_put(steer->bpf->maps.mirrors, &slot, sizeof(slot), &both, sizeof(both));
	if (both >= 0)
		close(both);
	return err;
}

/* What functions of uvf.ko send no program sees: see sending.c. */
uint32_t mirrors(const struct function *function)
{
	return function->mirror_flags & (function->is_port ? UVF_MIRROR_RX | UVF_MIRROR_TX :
							     UVF_MIRROR_RX);
}

static int tap_write(const struct function *function, const struct function *to)
{
	struct uvf_mirror tap = { .ifindex = to->key, .flags = mirrors(function) };
	uint32_t slot = function->entry.slot;

	if (tap.flags & UVF_MIRROR_RX && to->lower != function->lower)
		tap.flags |= UVF_MIRROR_FLOOD;
	return steer_put(function->uplink->steer->bpf->maps.taps, &slot, sizeof(slot), &tap,
			 sizeof(tap));
}

int mirror_write(const struct function *function)
{
	const struct function *to = mirrors(function) ? model_function(function->mirror_to) : NULL;
	const struct steer *steer = function->uplink->steer;
	uint32_t slot = function->entry.slot;
	int err = 0;

	if (!to || !(mirrors(function) & UVF_MIRROR_RX))
		bpf_map__delete_elem(steer->bpf->maps.mirrors, &slot, sizeof(slot), 0);
	else
		err = both_write(steer, slot, function->entry.to, to->key);
	if (!to)
		bpf_map__delete_elem(steer->bpf->maps.taps, &slot, sizeof(slot), 0);
	else if (!err)
		err = tap_write(function, to);
	return err;
}

static int check(const struct function *function, const struct function *to, uint32_t flags)
{
	if (function == to)
		return uvf_fail(EINVAL, "%s can't be a mirror of itself", function->name);
	if (!function->is_port && flags & UVF_MIRROR_TX && to->is_port)
		return uvf_fail(EOPNOTSUPP, "%s is backed by veth, and uvf.ko hands copies of what "
					    "%s sends to functions of its own alone", to->name,
				function->name);
	if (flags & UVF_MIRROR_TX && direct_is_leased(function))
		return uvf_fail(EBUSY, "%s has queues of its uplink, and sends by them past every "
				       "program that could copy it: `uvf lease %s off` first",
				function->name, function->name);
	if (function->is_port && !to->is_port)
		return uvf_fail(EOPNOTSUPP, "%s is a function of uvf.ko, to which tc can't hand "
					    "copies: mirror to a veth-backed function", to->name);
	return 0;
}

int mirror_set(struct function *function, const struct function *to, uint32_t flags)
{
	int err = to ? check(function, to, flags) : 0;

	if (flags & UVF_MIRROR_RX && !err)
		err = function_check_seen(function);
	if (!err && !function->is_port && (flags | function->mirror_flags) & UVF_MIRROR_TX)
		err = sending_mirror(function, flags & UVF_MIRROR_TX ? to : NULL);
	if (err)
		return err;
	function->mirror_to = to ? to->key : 0;
	function->mirror_flags = to ? flags : 0;
	if (function->uplink) {
		err = mirror_write(function);
		if (err)
			return uvf_fail(-err, "the kernel does not take the mirror: %s",
					strerror(-err));
		uplink_settle(function->uplink);
	}
	settings_save(function);
	return 0;
}

/* Who mirrored to a function that is gone does so no more. */
void mirror_forget(const struct function *gone)
{
	struct function *function;

	for (function = model_functions(); function; function = function->hh.next)
		if (function->mirror_to == gone->key)
			mirror_set(function, NULL, 0);
}
