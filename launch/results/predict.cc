#include "launch/results/predict.h"

#include "core/base/status.h"
#include "launch/results/load_model.h"
#include "launch/results/node_selection.h"
#include "launch/results/result_files.h"

namespace quadhop {

absl::StatusOr<ExitCode> Predict(const PredictJob& job, const RankContext& context) {
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<Session> session,
                      LoadModel(job.model, /*split=*/"", Use::kPredict, context));
  QH_RETURN_IF_ERROR(session->store().VerifyFiles({kOriginalNames}, context.pool));
  QH_ASSIGN_OR_RETURN(const NodeSelection selection,
                      job.nodes.empty() ? NodeSelection::All(session->store())
                                        : NodeSelection::FromFile(session->store(), job.nodes));
  QH_ASSIGN_OR_RETURN(const std::unique_ptr<ResultFiles> files,
                      ResultFiles::Create(job, *session, selection));
  Pass pass;
  pass.kind = selection.all() ? Pass::Kind::kAllNodes : Pass::Kind::kChosen;
  pass.batch = session->config().train().batch();
  pass.nodes = selection.nodes();
  pass.samples = session->DistinctSamples(job.samples);
  QH_RETURN_IF_ERROR(session->ForEachPrediction(
      pass, !job.embeddings.empty(), [&](const Batch& batch, const Prediction& prediction) {
        return files->Add(batch, prediction);
      }));
  QH_RETURN_IF_ERROR(files->Finish());
  return ExitCode::kDone;
}

}  // namespace quadhop
