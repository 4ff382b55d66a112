namespace RobustTrain.Tests.Host;

/// <summary>A theory about what only Linux lets a test do.</summary>
public sealed class LinuxTheoryAttribute : TheoryAttribute
{
    public LinuxTheoryAttribute()
    {
        if (!OperatingSystem.IsLinux())
            Skip = "Only Linux lets a test do this.";
    }
}
