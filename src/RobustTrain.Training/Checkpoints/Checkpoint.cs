namespace RobustTrain.Training.Checkpoints;

/// <summary>A checkpoint on disk whose manifest has been read; its files have not been verified yet.</summary>
/// <param name="Path">The checkpoint's folder.</param>
/// <param name="Manifest">Its manifest.</param>
public sealed record Checkpoint(string Path, CheckpointManifest Manifest)
{
    /// <summary>The name of the manifest's file.</summary>
    public const string ManifestFile = "manifest.json";

    /// <summary>The name of the weights' file: the module's <c>state_dict</c> under its own names, readable by any safetensors library.</summary>
    public const string WeightsFile = "weights.safetensors";

    /// <summary>The name of the file with the moving average of the weights, where one is kept.</summary>
    public const string AverageFile = "average.safetensors";

    /// <summary>The name of the optimiser's file.</summary>
    public const string OptimizerFile = "optimizer.safetensors";

    /// <summary>The name of the file with everything that is no tensor.</summary>
    public const string StateFile = "state.json";

    /// <summary>The bytes of its files, without the manifest.</summary>
    public long Bytes => Manifest.Files.Values.Sum(file => file.Bytes);
}

/// <summary>Which checkpoint of a run is meant.</summary>
public enum CheckpointChoice
{
    /// <summary>The one with the best validation score.</summary>
    Best,

    /// <summary>The newest.</summary>
    Latest,
}
