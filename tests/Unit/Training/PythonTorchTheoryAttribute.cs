namespace RobustTrain.Tests.Training;

/// <summary>A theory that asks Debian's Python for its opinion.</summary>
internal sealed class PythonTorchTheoryAttribute : TheoryAttribute
{
    public const string Python = "/usr/bin/python3";

    public PythonTorchTheoryAttribute()
    {
        if (!File.Exists(Python) || !File.Exists("/usr/lib/python3/dist-packages/torch/__init__.py"))
            Skip = "Debian's python3-torch is not installed.";
    }
}
