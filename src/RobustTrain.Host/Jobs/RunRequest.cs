using System.Globalization;
using System.Text;
using RobustTrain.Configuration;
using RobustTrain.Runs;
using RobustTrain.Training.Configuration;

namespace RobustTrain.Host.Jobs;

/// <summary>What the command line asks of a training, or of its check.</summary>
/// <param name="ConfigPath">The configuration file; null where the run's own or the defaults are meant.</param>
/// <param name="Settings">Settings that win over the file.</param>
/// <param name="RunPath">The run's folder; null where one is to be chosen.</param>
/// <param name="Resume">What to do with a folder that holds a run.</param>
/// <param name="HasLifeLine">Whether standard input is the parent's life line.</param>
internal sealed record RunRequest(string? ConfigPath, IReadOnlyList<string> Settings, string? RunPath, ResumeMode Resume, bool HasLifeLine)
{
    /// <summary>Who is told how the run ends: commands and webhooks.</summary>
    public IReadOnlyList<string> OnEvent { get; init; } = [];

    /// <summary>Reads the configuration: the one that is named, else that of the run that is to go on.</summary>
    /// <exception cref="RunException">The path holds no run and can't become one.</exception>
    /// <exception cref="ConfigurationException">The configuration has mistakes.</exception>
    public TrainingConfig ReadConfiguration()
    {
        if (ConfigPath is not null || RunPath is null)
            return ConfigurationReader.Read<TrainingConfig>(ConfigPath, Settings);

        // First what is wrong with the path: where a run is missing, its configuration is, too.
        bool isRun = RunFolder.CheckPath(RunPath, Resume);
        if (!isRun && Settings.Count == 0)
            throw RunFolder.NoRunAt(RunPath, "to go on with, and no configuration to begin one with");
        return ConfigurationReader.Read<TrainingConfig>(isRun ? RunFolder.ConfigPathOf(RunPath) : null, Settings);
    }
}

/// <summary>Chooses a run's folder where none is named.</summary>
internal static class RunPathChoice
{
    private const string Parent = "runs";

    /// <summary><c>runs/&lt;name&gt;-&lt;date&gt;-&lt;time&gt;</c> in the current directory, in local time; then the same with numbers behind, where that is taken.</summary>
    public static IEnumerable<string> For(string name, TimeProvider time)
    {
        string stamp = time.GetLocalNow().ToString("yyyyMMdd-HHmmss", CultureInfo.InvariantCulture);
        string path = Path.GetFullPath(Path.Combine(Parent, $"{FileName(name)}-{stamp}"));
        return Enumerable.Range(1, int.MaxValue - 1).Select(number => number == 1 ? path : string.Create(CultureInfo.InvariantCulture, $"{path}-{number}"));
    }

    // What every file system and shell takes without quoting.
    private static string FileName(string name)
    {
        StringBuilder text = new();
        foreach (char letter in name)
            text.Append(char.IsLetterOrDigit(letter) || letter is '-' or '_' or '.' ? letter : '-');
        string trimmed = text.ToString().Trim('-', '.');
        return trimmed.Length == 0 ? "run" : trimmed;
    }
}
