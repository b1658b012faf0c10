// Vulkan's headers up to 1.3.261, such as Debian 12's, lack VK_EXT_layer_settings, which ggml-vulkan.cpp names even where it does not
// use it. This is what it needs of it; with later headers, nothing.

#pragma once

#include <vulkan/vulkan_core.h>

#if !defined(VK_EXT_layer_settings)

#include <cstdint>
#include <vector>

namespace vk {

enum class LayerSettingTypeEXT : int32_t { eBool32 = 0 };

struct LayerSettingEXT {
    const char        * layer;
    const char        * setting;
    LayerSettingTypeEXT type;
    uint32_t            n_values;
    const void        * values;
};

struct LayerSettingsCreateInfoEXT {
    int32_t                 type = 1000496000; // VK_STRUCTURE_TYPE_LAYER_SETTINGS_CREATE_INFO_EXT
    const void            * next = nullptr;
    uint32_t                n_settings;
    const LayerSettingEXT * settings;

    LayerSettingsCreateInfoEXT(const std::vector<LayerSettingEXT> & of) : n_settings((uint32_t) of.size()), settings(of.data()) {}
};

} // namespace vk

#endif
