namespace RobustTrain.Tests.Data;

/// <summary>A fact about pipes that lie in folders.</summary>
public sealed class PipeFactAttribute : FactAttribute
{
    public PipeFactAttribute()
    {
        if (OperatingSystem.IsWindows())
            Skip = "Windows has no pipes that lie in a folder.";
    }
}
