// SPDX-License-Identifier: GPL-2.0-only
/* The virtual space: who owns an address of a BAR? Vectors, a register space, or nobody. */
#include "nic.h"

static const struct model_map *map_find(const struct model *model, const struct model_bar *bar,
					uint64_t offset)
{
	for (unsigned int i = 0; i < bar->maps; i++)
		if (offset - bar->map[i].at < model->space[bar->map[i].space].size)
			return &bar->map[i];
	return NULL;
}

void nic_bar(struct nic *nic, unsigned int bar, uint64_t offset, unsigned int width, bool write,
	     uint64_t *value)
{
	const struct model_map *map;

	if (!write)
		*value = width <= 8 ? width_mask(width) : UINT64_MAX;
	if (!nic->model || bar >= MODEL_BARS ||
	    (width != 1 && width != 2 && width != 4 && width != 8))
		return;
	if (offset >= nic->model->pci.bar[bar].size ||
	    width > nic->model->pci.bar[bar].size - offset)
		return;
	if (!vector_access(nic, bar, offset, width, write, value)) {
		map = map_find(nic->model, &nic->model->pci.bar[bar], offset);
		if (map)
			space_access(nic, map->space, offset - map->at, width, write, value);
	}
	if (nic->kicked)
		rings_run(nic);
}

void nic_bar_info(const struct nic *nic, unsigned int bar, struct nic_bar_info *info)
{
	*info = (struct nic_bar_info){ 0 };
	if (!nic->model || bar >= MODEL_BARS)
		return;
	info->size = nic->model->pci.bar[bar].size;
	info->io = nic->model->pci.bar[bar].io;
	info->wide = nic->model->pci.bar[bar].wide;
	info->prefetch = nic->model->pci.bar[bar].prefetch;
}
