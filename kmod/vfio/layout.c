// SPDX-License-Identifier: GPL-2.0-only
/* What the interface process declares: checked as what it is, a stranger's word. */
#include "face.h"

#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/pci_regs.h>
#include <linux/vmalloc.h>

#define BAR_MIN 16
#define ROM_MIN (2 << 10)
#define ROM_MAX (16 << 20)

#define KNOWN_FLAGS (UVF_VFIO_REGION_READ | UVF_VFIO_REGION_WRITE | UVF_VFIO_REGION_WIDE | \
		     UVF_VFIO_REGION_POSTED)

static bool size_fits(unsigned int index, u64 size)
{
	switch (index) {
	case VFIO_PCI_BAR0_REGION_INDEX ... VFIO_PCI_BAR5_REGION_INDEX:
		return is_power_of_2(size) && size >= BAR_MIN && size <= UVF_VFIO_REGION_MAX;
	case VFIO_PCI_ROM_REGION_INDEX:
		return is_power_of_2(size) && size >= ROM_MIN && size <= ROM_MAX;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return size == PCI_CFG_SPACE_SIZE || size == PCI_CFG_SPACE_EXP_SIZE;
	}
	return false;
}

static bool flags_fit(unsigned int index, u32 flags)
{
	const u32 both = UVF_VFIO_REGION_READ | UVF_VFIO_REGION_WRITE;

	switch (index) {
	case VFIO_PCI_ROM_REGION_INDEX:
		return flags == UVF_VFIO_REGION_READ;
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return flags == both;
	}
	if (flags & UVF_VFIO_REGION_POSTED && !(flags & UVF_VFIO_REGION_WRITE))
		return false;
	return !(flags & ~KNOWN_FLAGS) && flags & both;
}

static bool direct_fits(unsigned int index, const struct uvf_vfio_region *region)
{
	if (!region->direct_size)
		return !region->direct_offset;
	return index <= VFIO_PCI_BAR5_REGION_INDEX && region->direct_size <= UVF_VFIO_DIRECT_MAX &&
	       PAGE_ALIGNED(region->direct_offset) && PAGE_ALIGNED(region->direct_size) &&
	       region->direct_size <= region->size &&
	       region->direct_offset <= region->size - region->direct_size;
}

static bool region_fits(unsigned int index, const struct uvf_vfio_region *region)
{
	if (region->reserved)
		return false;
	if (!region->size)
		return !region->flags && !region->direct_offset && !region->direct_size;
	return size_fits(index, region->size) && flags_fit(index, region->flags) &&
	       direct_fits(index, region);
}

int uvf_layout_check(const struct uvf_vfio_layout *layout)
{
	u64 direct = 0;
	unsigned int i;

	if (layout->flags || layout->reserved || !layout->timeout_ms ||
	    layout->timeout_ms > UVF_VFIO_TIMEOUT_MAX || layout->linger_ms > UVF_VFIO_LINGER_MAX)
		return -EINVAL;
	if (layout->intx > 1 || layout->msi > UVF_VFIO_MSI_MAX || layout->msix > UVF_VFIO_MSIX_MAX)
		return -EINVAL;
	for (i = 0; i < UVF_VFIO_REGIONS; i++) {
		if (!region_fits(i, &layout->region[i]))
			return -EINVAL;
		direct += layout->region[i].direct_size;
	}
	if (!layout->region[VFIO_PCI_CONFIG_REGION_INDEX].size || direct > UVF_VFIO_DIRECT_MAX)
		return -EINVAL;
	return 0;
}

bool uvf_layout_equal(const struct uvf_vfio_layout *a, const struct uvf_vfio_layout *b)
{
	return a->intx == b->intx && a->msi == b->msi && a->msix == b->msix &&
	       !memcmp(a->region, b->region, sizeof(a->region));
}

/* Where a region's direct pages begin, in all of them. */
static u64 direct_start(const struct uvf_vfio_layout *layout, unsigned int region)
{
	u64 start = 0;
	unsigned int i;

	for (i = 0; i < region; i++)
		start += layout->region[i].direct_size;
	return start;
}

int uvf_layout_set(struct uvf_face *face, const struct uvf_vfio_layout *layout)
{
	u64 size = direct_start(layout, UVF_VFIO_REGIONS);
	void *direct = NULL;

	lockdep_assert_held(&face->lock);
	if (size) {
		direct = vmalloc_user(size);
		if (!direct)
			return -ENOMEM;
	}
	/* Who has the old ones mapped keeps them. */
	vfree(face->direct);
	face->direct = direct;
	face->layout = *layout;
	return 0;
}

int uvf_layout_map(struct uvf_face *face, unsigned int region, struct vm_area_struct *vma,
		   u64 offset)
{
	const struct uvf_vfio_region *r;
	u64 size = (u64)vma_pages(vma) << PAGE_SHIFT;

	if (region >= UVF_VFIO_REGIONS || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	r = &face->layout.region[region];
	if (!r->direct_size || offset < r->direct_offset || size > r->direct_size ||
	    offset - r->direct_offset > r->direct_size - size)
		return -EINVAL;
	offset += direct_start(&face->layout, region) - r->direct_offset;
	return remap_vmalloc_range(vma, face->direct, offset >> PAGE_SHIFT);
}

void *uvf_layout_direct(const struct uvf_face *face, const struct uvf_place *place)
{
	const struct uvf_vfio_region *r = &face->layout.region[place->region];

	if (place->offset < r->direct_offset || place->offset - r->direct_offset >= r->direct_size)
		return NULL;
	return face->direct + direct_start(&face->layout, place->region) + place->offset -
	       r->direct_offset;
}
