using RobustTrain.Runs.Configuration;

namespace RobustTrain.Training.Models;

/// <summary>What the catalog knows of a model before it is built.</summary>
/// <param name="Name">Its name in the configuration.</param>
/// <param name="Build">Builds it; its weights are set afterwards.</param>
/// <param name="FindConfigurationProblem">Says, as the end of a sentence, why it can't be built with a configuration; null where it can.</param>
/// <param name="FindImageSizeProblem">Says, as the end of a sentence, why it can't take images of a height and width; null where it can.</param>
internal sealed record ModelDefinition(
    string Name,
    Func<ModelConfig, ChangeDetectionModel> Build,
    Func<ModelConfig, string?> FindConfigurationProblem,
    Func<int, int, string?> FindImageSizeProblem);
