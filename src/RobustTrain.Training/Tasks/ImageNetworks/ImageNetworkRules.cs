using System.ComponentModel.DataAnnotations;
using RobustTrain.Training.Configuration;
using static RobustTrain.Training.Configuration.TrainingConfigRules;

namespace RobustTrain.Training.Tasks.ImageNetworks;

/// <summary>What the networks over single images can't be told.</summary>
internal static class ImageNetworkRules
{
    /// <summary>The contradictions of a configuration whose values are each valid.</summary>
    public static IEnumerable<ValidationResult> Check(TrainingConfig config)
    {
        if (config.Model.EvaluationStatistics != "training")
            yield return Conflict("model.evaluation_statistics", $"'model.evaluation_statistics' is {config.Model.EvaluationStatistics}, but the networks of {config.Task} evaluate with the training's statistics.");
    }
}
