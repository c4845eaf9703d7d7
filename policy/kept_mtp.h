#ifndef PLUMB_POLICY_KEPT_MTP_H_
#define PLUMB_POLICY_KEPT_MTP_H_

#include <memory>
#include <vector>

#include "checkpoint/model_folder.h"
#include "policy/folder_layout.h"

namespace plumb {

// The layers for multi-token prediction of an opened folder. The folder's mapping keeps their bytes, even where its
// files are removed meanwhile, until the last weights that came from it are gone. Immutable.
struct KeptMtp {
  std::shared_ptr<const ModelFolder> folder;
  std::vector<PlacedWeight> tensors;
};

}  // namespace plumb

#endif  // PLUMB_POLICY_KEPT_MTP_H_
