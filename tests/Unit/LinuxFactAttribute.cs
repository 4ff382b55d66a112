namespace RobustTrain.Tests;

/// <summary>A fact about what only Linux has, or that only Linux lets a test do.</summary>
public sealed class LinuxFactAttribute : FactAttribute
{
    /// <param name="reason">What that is, as a sentence.</param>
    public LinuxFactAttribute(string reason)
    {
        if (!OperatingSystem.IsLinux())
            Skip = reason;
    }
}

/// <summary>A theory about what only Linux has, or that only Linux lets a test do.</summary>
public sealed class LinuxTheoryAttribute : TheoryAttribute
{
    /// <param name="reason">What that is, as a sentence.</param>
    public LinuxTheoryAttribute(string reason)
    {
        if (!OperatingSystem.IsLinux())
            Skip = reason;
    }
}

/// <summary>A fact about Windows.</summary>
public sealed class WindowsFactAttribute : FactAttribute
{
    public WindowsFactAttribute()
    {
        if (!OperatingSystem.IsWindows())
            Skip = "It is about Windows.";
    }
}
