// SPDX-License-Identifier: GPL-2.0-only
/* What interface processes of VFIO devices count. */
#include "front_show.h"

#include <stdio.h>

#define END(text) ((text)[sizeof(text) - 1] = '\0')

void front_vfio_sound(struct front_vfio *counters)
{
	END(counters->function);
	END(counters->pci);
	END(counters->personality);
	END(counters->next);
}

static void add_frames(struct json_object *to, const struct front_vfio *counters)
{
	add_number(to, "rx_frames", counters->rx_frames);
	add_number(to, "rx_bytes", counters->rx_bytes);
	add_number(to, "rx_waits", counters->rx_waits);
	add_number(to, "rx_dropped", counters->rx_dropped);
	add_number(to, "rx_off", counters->rx_off);
	add_number(to, "rx_filtered", counters->rx_filtered);
	add_number(to, "rx_long", counters->rx_long);
	add_number(to, "tx_frames", counters->tx_frames);
	add_number(to, "tx_bytes", counters->tx_bytes);
	add_number(to, "tx_full", counters->tx_full);
	add_number(to, "tx_bad", counters->tx_bad);
	add_number(to, "script_dropped", counters->script_dropped);
}

static void add_device(struct json_object *to, const struct front_vfio *counters)
{
	add_number(to, "requests", counters->requests);
	add_number(to, "again", counters->again);
	add_number(to, "reads", counters->reads);
	add_number(to, "writes", counters->writes);
	add_number(to, "interrupts", counters->interrupts);
	add_number(to, "throttled", counters->throttled);
	add_number(to, "resets", counters->resets);
	add_number(to, "dma_errors", counters->dma_errors);
	add_number(to, "memory_gone", counters->memory_gone);
	add_number(to, "ring_errors", counters->ring_errors);
	add_number(to, "script_errors", counters->script_errors);
}

struct json_object *front_vfio_json(const struct front_vfio *counters, bool alive)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "function", counters->function);
	add_text(object, "front", "vfio");
	add_bool(object, "alive", alive);
	json_object_object_add(object, "pid", alive ? json_object_new_int(counters->pid) : NULL);
	add_text(object, "pci", counters->pci);
	add_text(object, "personality", counters->personality);
	add_text(object, "next", counters->next);
	add_number(object, "swapped", counters->swapped);
	add_number(object, "resumed", counters->resumed);
	add_bool(object, "open", alive && counters->open);
	add_number(object, "opened", counters->opened);
	add_bool(object, "link", counters->link);
	add_number(object, "intx", counters->intx);
	add_number(object, "msi", counters->msi);
	add_number(object, "msix", counters->msix);
	add_device(object, counters);
	add_frames(object, counters);
	return object;
}

void front_vfio_print(const struct front_vfio *counters)
{
	printf("%-15s %-8d %-12s %-7s %5s  %s, %s\n", counters->function, counters->pid,
	       counters->open ? "open" : "waits", "vfio", "-", counters->pci,
	       counters->personality);
}
