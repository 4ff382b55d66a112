namespace RobustTrain.Tests.Scripts;

/// <summary>A fact that runs a scheduler of its own, beside the machine's and never in its place: it needs the scheduler's programs and the rights of root.</summary>
public sealed class SchedulerFactAttribute : FactAttribute
{
    public SchedulerFactAttribute(string scheduler, params string[] programs)
    {
        if (!OperatingSystem.IsLinux())
            Skip = $"Windows has no {scheduler}.";
        else if (Array.Find(programs, program => !File.Exists(program)) is { } missing)
            Skip = $"{scheduler} is not on this machine: there is no {missing}.";
        else if (Environment.UserName != "root" || Shell.Run("unshare", "--mount", "--pid", "--fork", "true").Code != 0)
            Skip = $"This user may not run a {scheduler} of his own: that takes root and namespaces.";
    }
}
