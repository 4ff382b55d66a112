using RobustTrain.Data;
using RobustTrain.Runs;

namespace RobustTrain.Training.Loading;

/// <summary>What the configuration's loader keys mean to the loader.</summary>
internal static class LoaderSettings
{
    /// <summary>Opens a loader whose options come from the configuration.</summary>
    /// <exception cref="RunException">The workers that are asked for can't be had, or the quarantine can't be read.</exception>
    public static PrefetchLoader Open(IDataset dataset, LoaderOptions options)
    {
        PrefetchLoader? loader = null;
        Try(() => loader = new PrefetchLoader(dataset, options));
        return loader!;
    }

    /// <summary>Words what a loader refuses as an error of the configuration.</summary>
    /// <exception cref="RunException">The loader refuses.</exception>
    public static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (LoaderException refused)
        {
            throw new RunException(ExitCode.Configuration, "LoaderNotUsable", refused.Message, "loader", refused);
        }
    }
}
