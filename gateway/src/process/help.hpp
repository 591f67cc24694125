// The page that --help prints.
#pragma once

#include "process/settings.hpp"

namespace tokpay {

std::string help(const std::vector<SettingInfo> &settings);

} // namespace tokpay
